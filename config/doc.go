// Package config reads lukko.yaml: where the secrets are in each environment,
// the values of variables there, and what both look like. It gives a program
// what the lukko command uses.
//
//	store, err := config.Open(ctx, "production")
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	creds, err := Stripe.Get(ctx, store)
//
//	variables, err := config.OpenVariables(ctx, "production")
//	if err != nil {
//		return err
//	}
//	defer variables.Close()
//	level, err := LogLevel.Get(ctx, variables)
//
// The file holds no secret and is meant to be committed:
//
//	default: development
//
//	environments:
//	  development: file:secrets          # beside this file
//	  ci: [env:, file:secrets]           # the first that has it answers
//	  production:
//	    stores:
//	      - env:
//	      - name: cloud                  # a layer's name; by default the scheme
//	        url: aws://eu-west-1?prefix=shop/
//	    writeTo: cloud                   # by default the only one that can be written to
//	    fallThrough: [unavailable]       # what is passed over beside "not found" and ids that a store can't hold
//	    variables:                       # configuration that is no secret, in clear
//	      LOG_LEVEL: warn
//	      LIMITS: {perMinute: 100}
//
//	metadata: internal/secrets/secrets_meta.json   # what Go declares, as lukko generate writes it; or a list
//
//	secrets:
//	  STRIPE_CREDENTIALS:
//	    name: stripe
//	    displayName: Stripe API
//	    docsURL: https://docs.stripe.com/keys
//	    rotationPeriod: 90d
//	    schema:
//	      type: object
//	      required: [apiKey]
//	      properties:
//	        apiKey: {type: string, pattern: ^sk_}
//	  SESSION_KEY:
//	    generate: random                 # lukko set --generate makes one; see schema.Spec
//	  SENTRY_DSN:
//	    requiredIn: [production]         # elsewhere it is optional, as with optional: true it is everywhere
//	  SMTP_PASSWORD: {anyOf: mail}       # at least one of the group; oneOf is exactly one
//	  MAILGUN_KEY: {anyOf: mail}
//
//	variables:
//	  LOG_LEVEL:
//	    default: info
//	    schema: {type: string, enum: [debug, info, warn]}
//
//	credentials:                         # accounts, by their names; see "Credentials in the file"
//	  github:
//	    displayName: GitHub
//	    perUser: true                    # each user has one
//	    secretID: GITHUB_APP             # client id and secret
//	    tokenSecretID: GITHUB            # tokens; of users: what their ids begin with
//	    oauth2: {provider: github, scopes: [repo]}
//	  maps:
//	    secretID: MAPS_KEY               # a key
//	    hosts: [maps.example.com]        # and where it may be sent,
//	    auth: header:X-Api-Key           # and how: a text of httpauth.Scheme
//
// A secret without a schema is any bytes, one whose schema is of type string
// is a text, and any other is a JSON document: see
// [github.com/lukko-dev/lukko/schema].
//
// # Variables
//
// The value of a variable is a scalar as it is written, so that 8080, 007 and
// no stay these texts (quotes are not part of it), and a mapping or a list as
// JSON. What is declared is validated when the file is read. An id that is
// declared as a secret is refused: what is here is in clear, and in git.
// [Config.OpenVariables] opens them, with the process environment in front;
// an environment variable that is empty counts as one that is not set.
// [SetVariable] and [DeleteVariable] edit the file.
//
// # Credentials in the file
//
// They are those of [github.com/lukko-dev/lukko/credentials], with the words of
// its Spec: displayName, description, docsURL, perUser, secretID, tokenSecretID,
// schema, optional, requiredIn, hosts, auth, keyAt and oauth2. Without oauth2 one is a
// key. The settings in oauth2 are those of oauth2.Settings by their names in
// JSON. With provider, one of oauth2.Presets such as github, they are the known
// ones with these scopes, and what else is there takes the place of theirs;
// tenant is Microsoft's. What a credential is kept in is declared with it: the
// application's secret, and the tokens or the key but for those of users.
//
// # Declarations in Go
//
// What is declared in Go need not be declared here again: lukko generate
// writes it to a secrets_meta.json, and those that metadata names are read
// with the file, as is one in the same folder by itself. An id that is
// declared in both must have the same schema, and a credential the same ids and
// settings; what else is said of it is taken from here.
//
// # Where the file is
//
// [Locate] decides: the path that the caller has, as from a flag; else the
// environment variable LUKKO_CONFIG; else lukko.yaml in the working directory
// or the nearest one above. The search ends at the first folder that holds
// ".git", and at the home folder. It refuses a file in a folder above that
// everybody can write to, since that may be somebody else's.
//
// # Which environment
//
// The name that the caller has; else the environment variable LUKKO_ENV; else
// the file's default; else the only one that there is.
//
// # What is YAML here
//
// YAML 1.2 with one document: "no" and "on" are texts, and a number is what
// JSON takes for one. Anchors, aliases, merge keys and tags are refused, and
// so are keys that are unknown or repeated. All that is wrong is reported at
// once, each with line and column, and no value is repeated.
//
// The package links no provider: a program imports those that its URLs need,
// if only for that effect.
package config
