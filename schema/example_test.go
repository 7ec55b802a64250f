package schema_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/schema"
)

// A struct declares a secret; its schema is inferred from the fields' tags.
func Example() {
	type Credentials struct {
		APIKey        core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
		WebhookSecret core.Value `json:"webhookSecret"`
		Retries       int        `json:"retries,omitempty" jsonschema:"minimum=0,default=3"`
	}
	var set schema.Set // most programs use schema.Declare, and package variables
	stripe := schema.DeclareIn[Credentials](&set, schema.Spec{Name: "stripe", ID: "STRIPE_CREDENTIALS"})

	ctx := context.Background()
	svc := memory.With(map[string]string{"STRIPE_CREDENTIALS": `{"apiKey":"pk_live_1"}`})
	defer svc.Close()

	// All that is wrong is told at once, and nothing of the value.
	_, err := stripe.Get(ctx, svc)
	fmt.Println(err)
	fmt.Println("invalid:", errors.Is(err, core.ErrInvalidValue))

	err = stripe.Set(ctx, svc, Credentials{APIKey: core.String("sk_live_1"), WebhookSecret: core.String("whsec_1"), Retries: 5})
	if err != nil {
		log.Fatal(err)
	}
	creds, err := stripe.Get(ctx, svc)
	fmt.Println(creds.APIKey, creds.Retries, err)

	// Output:
	// schema: 2 problems
	//   stripe (STRIPE_CREDENTIALS): /apiKey: pattern: it must match ^sk_
	//   stripe (STRIPE_CREDENTIALS): /webhookSecret: required: it is missing
	// invalid: true
	// [REDACTED] 5 <nil>
}

// A handle follows the rotation of what was loaded; a value that is not valid
// never reaches it.
func ExampleLoad() {
	var set schema.Set
	token := schema.DeclareIn[core.Value](&set, schema.Spec{Name: "token", ID: "API_TOKEN"})
	proxy := schema.DeclareIn[string](&set, schema.Spec{Name: "proxy", ID: "PROXY_URL", Optional: true})

	ctx := context.Background()
	svc := memory.With(map[string]string{"API_TOKEN": "one"})
	defer svc.Close()

	loaded, err := schema.Load(ctx, svc, token, proxy)
	if err != nil {
		log.Fatal(err) // lists all that is missing or invalid
	}
	defer loaded.Close()
	current := token.From(loaded)
	fmt.Println(current.Get().Reveal())

	_, err = svc.Set(ctx, "API_TOKEN", core.String("two"))
	if err != nil {
		log.Fatal(err)
	}
	err = loaded.Refresh(ctx) // or wait a minute
	fmt.Println(current.Get().Reveal(), err)
	_, ok := proxy.From(loaded).Lookup()
	fmt.Println("proxy:", ok)

	// Output:
	// one
	// two <nil>
	// proxy: false
}

// Status tells what is missing, invalid or due for rotation, and shows no
// value.
func ExampleStatus() {
	var set schema.Set
	schema.DeclareIn[string](&set, schema.Spec{ID: "SESSION_KEY", RotationPeriod: 90 * 24 * time.Hour})
	schema.DeclareIn[int](&set, schema.Spec{ID: "PORT"})
	schema.DeclareIn[string](&set, schema.Spec{ID: "API_TOKEN"})

	svc := memory.With(map[string]string{"SESSION_KEY": "s3cret", "PORT": "http"})
	defer svc.Close()
	reports, err := set.Status(context.Background(), svc)
	if err != nil {
		log.Fatal(err) // something is denied or unreachable
	}
	for _, r := range reports {
		fmt.Printf("%s is %s, rotation %q\n", r.Meta.ID, r.State, r.Rotation)
	}

	// Output:
	// SESSION_KEY is ok, rotation "fresh"
	// PORT is invalid, rotation ""
	// API_TOKEN is missing, rotation ""
}

// Update changes some fields of a stored document and keeps all others, also
// those that only newer code declares.
func ExampleDeclaration_Update() {
	type Database struct {
		Host string     `json:"host"`
		Pass core.Value `json:"pass"`
	}
	var set schema.Set
	db := schema.DeclareIn[Database](&set, schema.Spec{Name: "db", ID: "DB"})

	ctx := context.Background()
	svc := memory.With(map[string]string{"DB": `{"host":"a.example.com","pass":"x","sslmode":"require"}`})
	defer svc.Close()

	err := db.Update(ctx, svc, func(d *Database) error {
		d.Host = "b.example.com"
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	stored, err := svc.Get(ctx, "DB")
	fmt.Println(stored.Value.Reveal(), err)

	// Output:
	// {"host":"b.example.com","pass":"x","sslmode":"require"} <nil>
}
