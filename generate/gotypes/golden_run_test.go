package gotypes_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/generate/gotypes"
	frommetadata "github.com/lukko-dev/lukko/generate/gotypes/testdata/metadata"
	frompikku "github.com/lukko-dev/lukko/generate/gotypes/testdata/pikku"
	fromyaml "github.com/lukko-dev/lukko/generate/gotypes/testdata/yaml"
	"github.com/lukko-dev/lukko/schema"
)

// The goldens are packages that this test links: their declarations are in
// schema.Default.
func TestTheGoldensDeclareWhatTheyWereMadeFrom(t *testing.T) {
	t.Parallel()
	if err := schema.Default.Check(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"testdata/yaml/lukko.yaml", "testdata/metadata/secrets_meta.json"} {
		metas, err := gotypes.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range metas {
			d, ok := schema.Default.ByID(want.ID)
			if !ok {
				t.Errorf("%s declares %s, and its golden does not", file, want.ID)
				continue
			}
			got := d.Meta()
			if canonical := canonical(want.Schema); string(got.Schema) != string(canonical) {
				t.Errorf("%s has another schema now:\n%s\n%s", want.ID, got.Schema, canonical)
			}
			if got.Variable != want.Variable || got.Text != want.Text || got.Name != want.Name || got.DisplayName != want.DisplayName ||
				got.Description != want.Description || got.DocsURL != want.DocsURL || got.Optional != want.Optional ||
				got.RotationPeriod != want.RotationPeriod || got.AnyOf != want.AnyOf || got.OneOf != want.OneOf ||
				got.Generate != want.Generate || len(got.RequiredIn) != len(want.RequiredIn) || want.Default != "" && got.Default != want.Default {
				t.Errorf("%s says something else now:\n%+v\n%+v", want.ID, got.Spec, want.Spec)
			}
		}
	}
}

// canonical is a schema as schema writes it.
func canonical(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	return schema.DeclareIn[any](new(schema.Set), schema.Spec{ID: "A", Schema: raw}).Meta().Schema
}

func TestTheGoldensHoldTheirDocuments(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memory.With(map[string]string{
		"STRIPE_CREDENTIALS": `{"apiKey":"sk_1","mode":"live","total":340282366920938463463374607431768211455,"owner":{"id":"a","children":[{"id":"b"}]},` +
			`"parent":{"apiKey":"sk_2","mode":"test"},"limit":null,"address":{"street":"s","2nd line":"l"}}`,
		"META_TREE":      `{"name":"root","children":[{"name":"leaf"}]}`,
		"META_SINCE":     `"2020-02-03T04:05:06Z"`,
		"PIKKU_PAYMENTS": `{"apiKey":"sk_3","webhook":{"secret":"w"}}`,
		"PIKKU_LIMITS":   `{"rps":0.5,"hour":[8,"am"]}`,
	})
	stripe := read(t, ctx, fromyaml.Stripe, store)
	if stripe.APIKey.Reveal() != "sk_1" || stripe.Retries != 3 || string(*stripe.Total) != "340282366920938463463374607431768211455" ||
		stripe.Owner.Children[0].ID.Reveal() != "b" || stripe.Parent.APIKey.Reveal() != "sk_2" || stripe.Limit != nil ||
		stripe.Address.X2ndLine.Reveal() != "l" || stripe.Sandbox != nil || stripe.Labels != nil {
		t.Errorf("it was read as %+v", stripe)
	}
	if tree := read(t, ctx, frommetadata.Tree, store); tree.Children[0].Name.Reveal() != "leaf" {
		t.Errorf("it was read as %+v", tree)
	}
	if since := read(t, ctx, frommetadata.Since, store); since.Reveal() != "2020-02-03T04:05:06Z" {
		t.Errorf("it was read as %+v", since)
	}
	if pikku := read(t, ctx, frompikku.Payments, store); pikku.Webhook.Secret.Reveal() != "w" || pikku.Retries != 3 {
		t.Errorf("it was read as %+v", pikku)
	}
	if limits := read(t, ctx, frompikku.Limits, store); limits.Rps != 0.5 || len(limits.Hour) != 2 {
		t.Errorf("it was read as %+v", limits)
	}
	if level := read(t, ctx, fromyaml.LogLevel, store); level != "info" {
		t.Errorf("the default was read as %q", level)
	}
	if port := read(t, ctx, fromyaml.Port, store); port != 8080 {
		t.Errorf("the default was read as %d", port)
	}

	// What the schema refuses is refused as before, and what it allows is not.
	err := fromyaml.Stripe.Set(ctx, store, fromyaml.StripeSecret{APIKey: core.String("pk_1"), Mode: core.String("live")})
	if !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("a key that does not match the pattern is stored: %v", err)
	}
	if err := fromyaml.Stripe.Set(ctx, memory.With(nil), fromyaml.StripeSecret{APIKey: core.String("sk_4"), Mode: core.String("live")}); err != nil {
		t.Errorf("the least that the schema asks for can't be stored: %v", err)
	}
}

func read[T any](t *testing.T, ctx context.Context, d *schema.Declaration[T], store core.SecretService) T {
	t.Helper()
	v, err := d.Get(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
