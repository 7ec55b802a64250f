// Package config reads lukko.yaml: where the secrets are in each environment,
// and what they look like. It gives a program what the lukko command uses.
//
//	store, err := config.Open(ctx, "production")
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	creds, err := Stripe.Get(ctx, store)
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
//	    optional: true
//
//	variables:
//	  LOG_LEVEL:
//	    schema: {type: string, enum: [debug, info, warn]}
//
// A secret without a schema is any bytes, one whose schema is of type string
// is a text, and any other is a JSON document: see
// [github.com/lukko-dev/lukko/schema].
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
