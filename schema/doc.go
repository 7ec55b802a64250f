// Package schema declares the secrets that a program needs, and reads them
// typed from any [core.SecretService].
//
//	type StripeCredentials struct {
//		APIKey        core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
//		WebhookSecret core.Value `json:"webhookSecret"`
//	}
//
//	var Stripe = schema.Declare[StripeCredentials](schema.Spec{
//		Name: "stripe", ID: "STRIPE_CREDENTIALS",
//		DisplayName: "Stripe API", Description: "API keys for Stripe payment processing",
//	})
//
//	creds, err := Stripe.Get(ctx, svc)               // one typed, validated read
//
//	loaded, err := schema.Load(ctx, svc, Stripe, DB) // one batch; all that is missing or invalid in one error
//	defer loaded.Close()
//	stripe := Stripe.From(loaded)                    // a handle that follows rotation
//	creds = stripe.Get()                             // never blocks, never fails
//
// # What is stored
//
// A declared string, []byte or [core.Value] (or a type of that kind without
// decoding methods of its own) is the stored bytes as they are: 5432 in an
// environment is that text. Every other kind is a JSON document.
//
// A document is read so that what is validated is what is decoded: names
// match exactly, in place of encoding/json's folding of case, and a document
// that repeats a name, is no valid UTF-8, or has a lone surrogate is refused.
// Numbers keep every digit; an interface field gets a [json.Number]. A null
// that the schema allows leaves the Go zero value, as encoding/json does.
//
// # The schema
//
// Without Spec.Schema it is inferred from the Go type by
// github.com/invopop/jsonschema and its struct tags; a field is required
// unless its json tag says omitempty or omitzero. Fields that a type does not
// declare are allowed: a secret gains them before the code that reads them
// ships. A "default" is applied on read where the field is absent; it is
// followed through properties, items, $ref and allOf, not into anyOf, oneOf
// or if. "format" is asserted. A $ref stays within the schema; $dynamicRef
// and $recursiveRef are refused, and so is a schema whose expansion explodes.
//
// # When a value must be there
//
// A secret is required, unless Spec says that it is Optional, that it is
// required in some environments only (RequiredIn), or that it is one of a group
// of which one (AnyOf) or exactly one (OneOf) must be there. [Load], [Status]
// and [Missing] judge that; an empty value is a missing one.
//
// [DeclareVariable] is the twin for configuration that is no secret: its value
// may be shown, and it may have a Default. What a secret's value can be made of
// is said by Spec.Generate, and made by [Generate].
//
// # Errors
//
// A wrong declaration never panics: it is an error of every use and of
// [Set.Check]. Errors are of type [*Error]; they list all problems at once,
// each with a JSON pointer and a rule, none with a value, a part of one, or a
// name that is not declared, which shows as "*".
package schema
