package accounts_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/goldens/accounts"
	"github.com/lukko-dev/lukko/oauth2"
)

// api answers each request, and keeps its header.
type api struct{ sent http.Header }

func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	a.sent = r.Header
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}

func open(t *testing.T) (*memory.Store, *api, *accounts.TypedCredentials) {
	t.Helper()
	secrets, sent := memory.With(nil), new(api)
	store, err := credentials.New(credentials.Config{Secrets: secrets, Transport: sent, Endpoints: sent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = store.Close(), secrets.Close() })
	return secrets, sent, accounts.NewTypedCredentials(store)
}

func TestAKeyOfTheApplicationIsReadWrittenSentAndDeleted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, sent, c := open(t)
	if _, err := c.Bank(ctx); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a missing one: %v", err)
	}
	if status, err := c.BankStatus(ctx); err != nil || status.State != credentials.StateMissing {
		t.Errorf("the status of a missing one: %+v, %v", status, err)
	}
	want := accounts.BankKey{Key: core.String("k1"), Number: 7}
	if err := c.SetBank(ctx, want, core.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	if err := c.SetBank(ctx, want, core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
		t.Errorf("the option did not arrive: %v", err)
	}
	if got, err := c.Bank(ctx); err != nil || !got.Key.Equal(want.Key) || got.Number != 7 {
		t.Errorf("Bank: %v", err)
	}
	if has, err := c.HasBank(ctx); !has || err != nil {
		t.Errorf("HasBank: %v, %v", has, err)
	}
	client, err := c.BankHTTP()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get("https://api.bank.example/balance")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if sent.sent.Get("X-Api-Key") != "k1" {
		t.Error("the request was without the key")
	}
	if err := c.DeleteBank(ctx); err != nil {
		t.Error(err)
	}
	if has, err := c.HasBank(ctx); has || err != nil {
		t.Errorf("HasBank after it was deleted: %v, %v", has, err)
	}
}

func TestUsersHaveTheirOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, _, c := open(t)
	token := oauth2.Token{AccessToken: core.String("t-ann")}
	if err := errors.Join(c.SetGithub(ctx, "ann", token), c.SetMapsKey(ctx, "ann", core.String("m-ann")), c.SetMapsKey(ctx, "bob", core.String("m-bob"))); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Github(ctx, "ann"); err != nil || !got.AccessToken.Equal(token.AccessToken) {
		t.Errorf("Github: %v", err)
	}
	if _, err := c.Github(ctx, "bob"); !errors.Is(err, oauth2.ErrNotConnected) {
		t.Errorf("Github of another: %v", err)
	}
	if _, err := c.Github(ctx, ""); !errors.Is(err, credentials.ErrNoUser) {
		t.Errorf("Github of nobody: %v", err)
	}
	if has, err := c.HasGithub(ctx, "bob"); has || err != nil {
		t.Errorf("HasGithub of another: %v, %v", has, err)
	}
	if status, err := c.GithubStatus(ctx, "ann"); err != nil || status.State != credentials.StateOK || !status.OAuth2 {
		t.Errorf("the status is %+v, %v", status, err)
	}
	if status, err := c.MapsKeyStatus(ctx, "bob"); err != nil || status.State != credentials.StateOK {
		t.Errorf("the status is %+v, %v", status, err)
	}
	if client, err := c.GithubClient("ann"); err != nil || client == nil {
		t.Errorf("GithubClient: %v", err)
	}
	if client, err := c.GithubHTTP("ann"); err != nil || client == nil {
		t.Errorf("GithubHTTP: %v", err)
	}
	var users []string
	for u, err := range c.MapsKeyUsers(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u.ID)
	}
	if got := strings.Join(users, " "); got != "ann bob" {
		t.Errorf("the users are %s", got)
	}
	for u, err := range c.GithubUsers(ctx) {
		if err != nil || u.ID != "ann" {
			t.Errorf("%q has github, %v", u.ID, err)
		}
	}
	if err := errors.Join(c.DeleteGithub(ctx, "ann"), c.DeleteMapsKey(ctx, "ann")); err != nil {
		t.Error(err)
	}
	if key, err := c.MapsKey(ctx, "bob"); err != nil || key.Reveal() != "m-bob" {
		t.Errorf("MapsKey of another: %v", err)
	}
	if has, err := c.HasMapsKey(ctx, "ann"); has || err != nil {
		t.Errorf("HasMapsKey after it was deleted: %v, %v", has, err)
	}
}

func TestAnAccountOfTheApplication(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, _, c := open(t)
	if has, err := c.HasCrm(ctx); has || err != nil {
		t.Errorf("HasCrm: %v, %v", has, err)
	}
	if err := c.SetCrm(ctx, oauth2.Token{AccessToken: core.String("t")}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Crm(ctx); err != nil || got.AccessToken.IsZero() {
		t.Errorf("Crm: %v", err)
	}
	if status, err := c.CrmStatus(ctx); err != nil || status.State != credentials.StateOK {
		t.Errorf("the status is %+v, %v", status, err)
	}
	if client, err := c.CrmClient(); err != nil || client == nil {
		t.Errorf("CrmClient: %v", err)
	}
	if err := c.DeleteCrm(ctx); err != nil {
		t.Error(err)
	}
}

func TestWhatIsOfAllCredentialsIsThere(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, _, c := open(t)
	missing, err := c.Missing(ctx)
	if err != nil || len(missing) != 1 || missing[0].Name != "bank" { // crm is optional, the others are users'
		t.Errorf("missing: %+v, %v", missing, err)
	}
	of, err := c.MissingFor(ctx, "ann")
	if err != nil || len(of) != 2 {
		t.Errorf("missing of a user: %+v, %v", of, err)
	}
	var names []string
	for _, d := range c.All() {
		names = append(names, d.Meta().Name)
	}
	if got := strings.Join(names, " "); got != "bank crm github maps-key" {
		t.Errorf("all are %s", got)
	}
	types := accounts.CredentialTypes()
	if len(types) != 4 || types["bank"] != reflect.TypeFor[accounts.BankKey]() || types["github"] != reflect.TypeFor[oauth2.Token]() {
		t.Errorf("the types are %v", types)
	}
}

func TestTheSecretsThatCredentialsAreKeptInAreNoneOfTheService(t *testing.T) {
	t.Parallel()
	if types := accounts.SecretTypes(); len(types) != 1 || types[accounts.SessionKeyID] == nil {
		t.Errorf("the secrets are %v", types)
	}
}
