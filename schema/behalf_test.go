package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// declareBehind declares as another package does on behalf of its caller.
func declareBehind(set *schema.Set, spec schema.Spec) *schema.Declaration[StripeCredentials] {
	return schema.DeclareFor[StripeCredentials](set, schema.CallerPlace(0), spec)
}

func TestADeclarationOnBehalfOfACallerIsAtTheCallersPlace(t *testing.T) {
	t.Parallel()
	set := new(schema.Set)
	want := schema.DeclareIn[int](set, schema.Spec{ID: "A"}).Meta().Place
	d := declareBehind(set, schema.Spec{ID: "B"})
	file, _, _ := strings.Cut(want, ":")
	if got := d.Meta(); !strings.HasPrefix(got.Place, file+":") || got.Place == want || got.Type != "schema_test.StripeCredentials" {
		t.Errorf("the place is %q beside %q, the type %q", got.Place, want, got.Type)
	}
	if found, ok := set.ByID("B"); !ok || found.Meta().Place != d.Meta().Place {
		t.Error("it is not in the set")
	}
	if err := declareBehind(nil, schema.Spec{ID: "B"}).Check(); err != nil {
		t.Errorf("without a set: %v", err)
	}
}

func TestADeclarationAtAnotherIDReadsAndWritesThere(t *testing.T) {
	t.Parallel()
	f := newFake(map[string]string{"BASE": storedStripe})
	d := declare[StripeCredentials](schema.Spec{Name: "stripe", ID: "BASE", DisplayName: "Stripe"})
	bob := d.At("BASE__bob")
	if _, err := bob.Get(t.Context(), f.service()); !errors.Is(err, core.ErrNotFound) || !strings.Contains(err.Error(), "BASE__bob") {
		t.Errorf("got %v", err)
	}
	if err := bob.Set(t.Context(), f.service(), stripe("sk_bob")); err != nil {
		t.Fatal(err)
	}
	if f.stored("BASE") != storedStripe || !strings.Contains(f.stored("BASE__bob"), "sk_bob") {
		t.Error("it is not stored at the id, and there alone")
	}
	if m := bob.Meta(); m.ID != "BASE__bob" || m.Name != "stripe" || string(m.Schema) != string(d.Meta().Schema) || m.Place != d.Meta().Place {
		t.Errorf("the meta is %+v", m)
	}
	if err := d.At("no id").Check(); !errors.Is(err, schema.ErrDeclaration) {
		t.Errorf("at what is no id: %v", err)
	}
	wrong := declare[StripeCredentials](schema.Spec{ID: "ID", RotationPeriod: -1})
	if err := wrong.At("OTHER").Check(); !errors.Is(err, schema.ErrDeclaration) {
		t.Errorf("of a wrong one: %v", err)
	}
}

func TestEncodeAndDecodeAreWhatSetAndGetStore(t *testing.T) {
	t.Parallel()
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	stored, err := d.Encode(stripe("sk_1"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := d.Decode(stored)
	if err != nil || back.APIKey.Reveal() != "sk_1" {
		t.Errorf("it does not come back: %v", err)
	}
	for name, err := range map[string]error{
		"decode": second(d.Decode(core.String(`{"apiKey":"canary"}`))),
		"encode": second(d.Encode(stripe("canary"))),
		"empty":  second(d.Decode(core.Value{})),
	} {
		if !errors.Is(err, core.ErrInvalidValue) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := declare[StripeCredentials](schema.Spec{ID: "no id"})
	if err := second(wrong.Decode(stored)); !errors.Is(err, schema.ErrDeclaration) {
		t.Errorf("decode: %v", err)
	}
	if err := second(wrong.Encode(stripe("sk_1"))); !errors.Is(err, schema.ErrDeclaration) {
		t.Errorf("encode: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
