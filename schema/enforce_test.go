package schema_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/schema"
)

func TestASetOfWhatItsSchemaRefusesIsRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	f := newFake(nil)
	stripe := declare[StripeCredentials](schema.Spec{ID: "STRIPE"})
	svc := schema.Enforce(f.service(), stripe, declare[int](schema.Spec{ID: "PORT"}))
	for id, value := range map[string]string{
		"STRIPE":  `{"apiKey":"pk_canary","webhookSecret":"canary"}`,
		"PORT":    "canary",
		"STRIPE ": "canary",
	} {
		_, err := svc.Set(ctx, id, core.String(value))
		var e *core.Error
		if err == nil || !errors.As(err, &e) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", id, err)
			continue
		}
		if id == "STRIPE" && (!errors.Is(err, core.ErrInvalidValue) || !strings.Contains(e.Hint, "/apiKey: pattern") || e.ID != id) {
			t.Errorf("%s: got %v", id, err)
		}
	}
	if f.writes != 0 {
		t.Errorf("%d were written", f.writes)
	}
	for id, value := range map[string]string{"STRIPE": `{"apiKey":"sk_1","webhookSecret":"w"}`, "PORT": "80", "OTHER": "anything"} {
		if _, err := svc.Set(ctx, id, core.String(value)); err != nil || f.stored(id) != value {
			t.Errorf("%s: got %v", id, err)
		}
	}
	if _, err := svc.Set(ctx, "PORT", core.String("81"), core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
		t.Errorf("a condition is lost: %v", err)
	}
}

func TestWhatIsNotASetPassesThrough(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	below := memory.New(memory.Config{})
	svc := schema.Enforce(below, declare[int](schema.Spec{ID: "PORT"}))
	want, err := below.Capabilities(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := svc.Capabilities(ctx); got != want || err != nil {
		t.Errorf("it claims %+v, %v; want %+v", got, err, want)
	}
	info, err := svc.Set(ctx, "PORT", core.String("80"))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := svc.Get(ctx, "PORT", core.AtVersion(info.Version)); err != nil || s.Value.Reveal() != "80" {
		t.Errorf("Get: %v", err)
	}
	if m, err := svc.GetMany(ctx, []string{"PORT", "NONE"}); err != nil || len(m) != 1 {
		t.Errorf("GetMany: %v", err)
	}
	if i, err := svc.Stat(ctx, "PORT"); err != nil || i.Version != info.Version {
		t.Errorf("Stat: %v", err)
	}
	for i, err := range svc.List(ctx, "") {
		if err != nil || i.ID != "PORT" {
			t.Errorf("List: %v, %v", i.ID, err)
		}
	}
	for i, err := range svc.Versions(ctx, "PORT") {
		if err != nil || i.Version != info.Version {
			t.Errorf("Versions: %v, %v", i, err)
		}
	}
	if err := svc.Delete(ctx, "PORT"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	_, err = svc.Get(ctx, "PORT")
	if e := (*core.Error)(nil); !errors.As(err, &e) || e.Kind != core.ErrNotFound || e.Provider != "memory" { //nolint:errorlint // a Kind is a sentinel itself
		t.Errorf("an error from below is %v", err)
	}
	if err := svc.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := below.Get(ctx, "PORT"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("closing it closed what is below: %v", err)
	}
	if _, err := schema.Enforce(nil).Get(ctx, "PORT"); err == nil {
		t.Error("without a service it answers")
	}
}
