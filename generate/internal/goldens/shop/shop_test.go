package shop_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/generate/internal/goldens/shop"
	"github.com/lukko-dev/lukko/schema"
)

const (
	stored  = `{"apiKey":"sk_live_1","webhookSecret":"whsec_1"}`
	rotated = `{"apiKey":"sk_live_2","webhookSecret":"whsec_2"}`
)

func service(t testing.TB, values map[string]string) (*memory.Store, *shop.TypedSecretService) {
	t.Helper()
	store := memory.With(values)
	t.Cleanup(func() { _ = store.Close() })
	return store, shop.NewTypedSecretService(store)
}

func TestASecretIsReadWrittenAndFoundByItsName(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, s := service(t, nil)
	if _, err := s.Stripe(ctx); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a missing secret: %v", err)
	}
	if has, err := s.HasStripe(ctx); has || err != nil {
		t.Errorf("HasStripe of a missing one: %v, %v", has, err)
	}
	want := shop.StripeCredentials{APIKey: core.String("sk_live_1"), WebhookSecret: core.String("whsec_1")}
	if err := s.SetStripe(ctx, want, core.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	if err := s.SetStripe(ctx, want, core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
		t.Errorf("the option did not arrive: %v", err)
	}
	if got, err := s.Stripe(ctx); err != nil || !got.APIKey.Equal(want.APIKey) {
		t.Errorf("Stripe: %v", err)
	}
	if has, err := s.HasStripe(ctx); !has || err != nil {
		t.Errorf("HasStripe: %v, %v", has, err)
	}
	if secret, err := store.Get(ctx, shop.StripeID); err != nil || secret.Value.Reveal() != stored {
		t.Errorf("what is stored is another document, or %v", err)
	}
	if err := s.SetStripe(ctx, shop.StripeCredentials{APIKey: core.String("pk_1")}); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("an invalid value: %v", err)
	}
	if key, err := shop.Key(ctx, store); err != nil || !key.Equal(want.APIKey) {
		t.Errorf("the program's own code: %v", err)
	}
}

func TestWhatMayBeAbsentIsToldWithTheValue(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, s := service(t, nil)
	if dsn, ok, err := s.SentryDSN(ctx); ok || err != nil || !dsn.IsZero() {
		t.Errorf("an absent optional one: %v, %v", ok, err)
	}
	if err := s.SetSentryDSN(ctx, core.String("https://sentry.example.com")); err != nil {
		t.Fatal(err)
	}
	if dsn, ok, err := s.SentryDSN(ctx); !ok || err != nil || dsn.IsZero() {
		t.Errorf("one that is there: %v, %v", ok, err)
	}
	if _, ok, err := s.GithubToken(ctx); ok || err != nil {
		t.Errorf("a member of a group: %v, %v", ok, err)
	}
	if _, ok, err := s.BackupKey(ctx); ok || err != nil {
		t.Errorf("one that is required elsewhere: %v, %v", ok, err)
	}
}

func TestTheServiceStandsWhereASecretServiceIsAskedFor(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, s := service(t, nil)
	var svc core.SecretService = s
	if _, err := svc.Set(ctx, shop.StripeID, core.String(`{"apiKey":"pk_1"}`)); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("Set of what the schema refuses: %v", err)
	}
	if _, err := store.Get(ctx, shop.StripeID); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("something was written: %v", err)
	}
	if _, err := svc.Set(ctx, shop.StripeID, core.String(stored)); err != nil {
		t.Errorf("Set of what it allows: %v", err)
	}
	if _, err := svc.Set(ctx, "UNDECLARED", core.String("x")); err != nil {
		t.Errorf("Set of what is not declared: %v", err)
	}
	if _, err := schema.Status(ctx, s, shop.Stripe); err != nil {
		t.Error(err)
	}
}

func TestStatusAndMissingAreOneBatch(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memory.With(map[string]string{shop.StripeID: stored, shop.HostileID: "x"})
	defer store.Close()
	calls := &counted{SecretService: store}
	s := shop.NewTypedSecretService(calls)
	reports, err := s.Status(ctx)
	if err != nil || len(reports) != 6 {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
	missing, err := s.Missing(ctx)
	var names []string
	for _, r := range missing {
		names = append(names, r.Meta.Name)
	}
	// The environment is not known, and nothing of the group is there.
	if got := strings.Join(names, " "); err != nil || got != "backup.key github_token gitlab-token" {
		t.Errorf("missing: %s, %v", got, err)
	}
	if calls.batches != 2 || calls.gets != 0 {
		t.Errorf("%d batches and %d reads of one, want 2 and 0", calls.batches, calls.gets)
	}
	loaded, err := s.LoadWith(ctx, schema.Loader{Every: -1, Environment: "production"})
	if loaded != nil || !errors.Is(err, core.ErrNotFound) || calls.batches != 3 {
		t.Errorf("Load of what is missing: %v, after %d batches", err, calls.batches)
	}
}

type counted struct {
	core.SecretService
	gets, batches int
}

func (c *counted) Get(ctx context.Context, id string, o ...core.GetOption) (core.Secret, error) {
	c.gets++
	return c.SecretService.Get(ctx, id, o...)
}

func (c *counted) GetMany(ctx context.Context, ids []string, o ...core.GetOption) (map[string]core.Secret, error) {
	c.batches++
	return c.SecretService.GetMany(ctx, ids, o...)
}

func TestWhatIsLoadedFollowsRotation(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, s := service(t, map[string]string{shop.StripeID: stored, shop.HostileID: "x", shop.GitlabTokenID: "glpat_1", shop.BackupKeyID: "k"})
	loaded, err := s.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	if loaded.Stripe().APIKey.Reveal() != "sk_live_1" || loaded.Hostile() != "x" {
		t.Error("the getters do not give what is stored")
	}
	if _, ok := loaded.GithubToken(); ok {
		t.Error("an absent one is there")
	}
	if token, ok := loaded.GitlabToken(); !ok || token.IsZero() {
		t.Error("one that is there is absent")
	}
	if _, err := store.Set(ctx, shop.StripeID, core.String(rotated)); err != nil {
		t.Fatal(err)
	}
	if err := loaded.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if loaded.Stripe().APIKey.Reveal() != "sk_live_2" {
		t.Error("the getter does not follow")
	}
	if err := loaded.Err(); err != nil {
		t.Error(err)
	}
}

func TestTypesMapIDsToGoTypes(t *testing.T) {
	t.Parallel()
	if got := shop.SecretTypes()[shop.StripeID]; got != reflect.TypeFor[shop.StripeCredentials]() || shop.IDs() != 6 {
		t.Errorf("the type of stripe is %v, of %d", got, shop.IDs())
	}
	if got := shop.VariableTypes()[shop.RateLimitsID]; got != reflect.TypeFor[shop.Limits]() || len(shop.VariableTypes()) != 3 {
		t.Errorf("the type of rate-limits is %v, of %d", got, len(shop.VariableTypes()))
	}
}

func TestVariablesAreReadAloneAndAllAtOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memory.With(map[string]string{shop.RateLimitsID: `{"requests":5,"window":1000000000}`})
	defer store.Close()
	calls := &counted{SecretService: store}
	v := shop.NewTypedVariables(calls)
	if level, err := v.LogLevel(ctx); level != "info" || err != nil {
		t.Errorf("the default is %q, %v", level, err)
	}
	if has, err := v.HasLogLevel(ctx); has || err != nil {
		t.Errorf("a default is set: %v, %v", has, err)
	}
	calls.gets = 0
	all, err := v.All(ctx)
	if err != nil || calls.batches != 1 || calls.gets != 0 {
		t.Errorf("All: %v, with %d batches and %d reads of one", err, calls.batches, calls.gets)
	}
	if all.LogLevel != "info" || all.RateLimits.Window != time.Second || all.HTTPProxy != nil {
		t.Errorf("All: %+v", all)
	}
	if err := v.SetLogLevel(ctx, "loud"); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("an invalid level: %v", err)
	}
	if err := errors.Join(v.SetLogLevel(ctx, "debug"), v.SetHTTPProxy(ctx, "http://proxy")); err != nil {
		t.Fatal(err)
	}
	if all, err = v.All(ctx); err != nil || all.LogLevel != "debug" || all.HTTPProxy == nil || *all.HTTPProxy != "http://proxy" {
		t.Errorf("All: %+v, %v", all, err)
	}
	if proxy, ok, err := v.HTTPProxy(ctx); proxy == "" || !ok || err != nil {
		t.Errorf("HTTPProxy: %v, %v", ok, err)
	}
	if err := v.DeleteHTTPProxy(ctx); err != nil {
		t.Error(err)
	}
	if err := v.DeleteHTTPProxy(ctx); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a second delete: %v", err)
	}
	if err := v.DeleteRateLimits(ctx); err != nil {
		t.Error(err)
	}
	missing, err := v.Missing(ctx)
	if err != nil || len(missing) != 1 || missing[0].Meta.ID != shop.RateLimitsID {
		t.Errorf("missing: %v, %v", missing, err)
	}
	if _, err := v.All(ctx); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("All without a required one: %v", err)
	}
	if reports, err := v.Status(ctx); err != nil || len(reports) != 3 {
		t.Errorf("%d reports, %v", len(reports), err)
	}
}

func TestLoadedVariablesFollow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memory.With(map[string]string{shop.RateLimitsID: `{"requests":5,"window":1}`})
	defer store.Close()
	loaded, err := shop.NewTypedVariables(store).Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	if _, err := store.Set(ctx, shop.LogLevelID, core.String("warn")); err != nil {
		t.Fatal(err)
	}
	if err := loaded.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if all := loaded.All(); all.LogLevel != "warn" || loaded.LogLevel() != "warn" || all.HTTPProxy != nil {
		t.Errorf("%+v", all)
	}
}

func TestAServiceWithoutAStoreSaysSo(t *testing.T) {
	t.Parallel()
	_, err := shop.NewTypedSecretService(nil).Stripe(t.Context())
	if !errors.Is(err, core.ErrInvalidOption) {
		t.Errorf("%v", err)
	}
}
