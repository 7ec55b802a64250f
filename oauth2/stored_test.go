package oauth2_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// fixture is an example of docs/oauth2-stored-form.md.
type fixture struct {
	Name   string            `json:"name"`
	Stored json.RawMessage   `json:"stored"`
	Reads  map[string]string `json:"reads"`
	After  json.RawMessage   `json:"after"`
	At     string            `json:"at"`
	Rule   string            `json:"rule"`
}

func readFixtures(t testing.TB, name string, to any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "stored", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, to); err != nil {
		t.Fatal(err)
	}
}

func fixtures(t testing.TB, name string) []fixture {
	t.Helper()
	var all []fixture
	readFixtures(t, name, &all)
	if len(all) == 0 {
		t.Fatalf("%s has no fixtures", name)
	}
	return all
}

func declareApp() *schema.Declaration[oauth2.App] {
	return schema.DeclareIn[oauth2.App](&schema.Set{}, oauth2.AppSpec("APP"))
}

func declareToken() *schema.Declaration[oauth2.Token] {
	return schema.DeclareIn[oauth2.Token](&schema.Set{}, oauth2.TokenSpec("TOKENS"))
}

// store is a store with one secret in it.
func store(t testing.TB, id string, stored json.RawMessage) *memory.Store {
	t.Helper()
	s := memory.New(memory.Config{})
	t.Cleanup(func() { _ = s.Close() })
	if stored != nil {
		if _, err := s.Set(context.Background(), id, core.Bytes(stored)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// compact is a document in the form that this module writes: names in byte
// order, no spaces.
func compact(t testing.TB, stored json.RawMessage) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(stored))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func appOf(reads map[string]string) oauth2.App {
	return oauth2.App{
		ClientID: reads["clientId"], ClientSecret: core.String(reads["clientSecret"]),
		PrivateKey: core.String(reads["privateKey"]), KeyID: reads["keyId"],
	}
}

func readsOfApp(a oauth2.App) map[string]string {
	return notEmpty(map[string]string{
		"clientId": a.ClientID, "clientSecret": a.ClientSecret.Reveal(), "privateKey": a.PrivateKey.Reveal(), "keyId": a.KeyID,
	})
}

func tokenOf(t testing.TB, reads map[string]string) oauth2.Token {
	t.Helper()
	at := func(name string) oauth2.Time {
		if reads[name] == "" {
			return oauth2.Time{}
		}
		when, err := time.Parse(time.RFC3339Nano, reads[name])
		if err != nil {
			t.Fatal(err)
		}
		return oauth2.Time{Time: when.In(time.FixedZone("", 3600))} // another zone is the same time
	}
	return oauth2.Token{
		AccessToken: core.String(reads["accessToken"]), RefreshToken: core.String(reads["refreshToken"]),
		TokenType: reads["tokenType"], ExpiresAt: at("expiresAt"), Scope: reads["scope"],
		ConnectedAt: at("connectedAt"), RefreshedAt: at("refreshedAt"), Claim: reads["claim"],
	}
}

func readsOfToken(k oauth2.Token) map[string]string {
	at := func(when oauth2.Time) string {
		if when.IsZero() {
			return ""
		}
		return when.UTC().Format(time.RFC3339Nano)
	}
	return notEmpty(map[string]string{
		"accessToken": k.AccessToken.Reveal(), "refreshToken": k.RefreshToken.Reveal(), "tokenType": k.TokenType,
		"expiresAt": at(k.ExpiresAt), "scope": k.Scope, "connectedAt": at(k.ConnectedAt), "refreshedAt": at(k.RefreshedAt), "claim": k.Claim,
	})
}

func notEmpty(m map[string]string) map[string]string {
	for name, value := range m {
		if value == "" {
			delete(m, name)
		}
	}
	return m
}

func TestTheFixturesOfApplicationsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t, "apps") {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			app, err := declareApp().Get(t.Context(), store(t, "APP", f.Stored))
			if err != nil {
				t.Fatal(err)
			}
			if got := readsOfApp(app); fmt.Sprint(got) != fmt.Sprint(f.Reads) {
				t.Errorf("it reads as %d fields and not as the %d declared", len(got), len(f.Reads))
			}
			s := store(t, "APP", nil)
			if err := declareApp().Set(t.Context(), s, appOf(f.Reads)); err != nil {
				t.Fatal(err)
			}
			compareStored(t, s, "APP", f.Stored)
		})
	}
}

func TestTheFixturesOfTokensAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t, "tokens") {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			checkReads(t, f)
			s := store(t, "TOKENS", nil)
			if err := declareToken().Set(t.Context(), s, tokenOf(t, f.Reads)); err != nil {
				t.Fatal(err)
			}
			compareStored(t, s, "TOKENS", f.Stored)
		})
	}
}

func TestWhatOthersStoreIsReadToo(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t, "others") {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			checkReads(t, f)
		})
	}
}

// checkReads reads stored tokens by their declaration, and by encoding/json
// where the two are the same.
func checkReads(t *testing.T, f fixture) {
	t.Helper()
	token, err := declareToken().Get(t.Context(), store(t, "TOKENS", f.Stored))
	if err != nil {
		t.Fatal(err)
	}
	if got := readsOfToken(token); fmt.Sprint(got) != fmt.Sprint(f.Reads) {
		t.Errorf("it reads as %d fields and not as the %d declared", len(got), len(f.Reads))
	}
}

func compareStored(t *testing.T, s *memory.Store, id string, want json.RawMessage) {
	t.Helper()
	got, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got.Value.Reveal() != compact(t, want) {
		t.Errorf("what is stored is not the fixture; it has %d bytes, the fixture %d", got.Value.Len(), len(compact(t, want)))
	}
}

func TestARefreshKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t, "kept") {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s := store(t, "TOKENS", f.Stored)
			err := declareToken().Update(t.Context(), s, func(k *oauth2.Token) error {
				k.AccessToken, k.RefreshToken = core.String("new"), core.String("new")
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			compareStored(t, s, "TOKENS", f.After)
		})
	}
}

func TestAMalformedSecretIsToldByItsDeclaration(t *testing.T) {
	t.Parallel()
	var broken struct{ Apps, Tokens []fixture }
	readFixtures(t, "broken", &broken)
	check := func(t *testing.T, f fixture, d schema.Declared) {
		t.Helper()
		// Tools have the declaration's metadata only: it must say the same.
		byHand := schema.DeclareMeta(&schema.Set{}, d.Meta())
		for what, err := range map[string]error{
			"the declaration": d.Validate(core.Bytes(f.Stored)), "its metadata": byHand.Validate(core.Bytes(f.Stored)),
		} {
			var invalid *schema.Error
			if f.Rule == "decode" && what == "its metadata" {
				continue // what the Go type refuses
			}
			if !errors.As(err, &invalid) || !errors.Is(err, core.ErrInvalidValue) {
				t.Fatalf("%s says %v", what, err)
			}
			if p := invalid.Problems[0]; p.Pointer != f.At || p.Rule != f.Rule {
				t.Errorf("%s says %s %s, want %s %s", what, p.Pointer, p.Rule, f.At, f.Rule)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("%s quotes what is stored", what)
			}
		}
	}
	for _, f := range broken.Apps {
		t.Run("app/"+f.Name, func(t *testing.T) { t.Parallel(); check(t, f, declareApp()) })
	}
	for _, f := range broken.Tokens {
		t.Run("tokens/"+f.Name, func(t *testing.T) { t.Parallel(); check(t, f, declareToken()) })
	}
}

func TestTheDeclarationsOfBothSecretsAreRight(t *testing.T) {
	t.Parallel()
	var set schema.Set
	schema.DeclareIn[oauth2.App](&set, oauth2.AppSpec("APP"))
	schema.DeclareIn[oauth2.Token](&set, oauth2.TokenSpec("TOKENS"))
	if err := set.Check(); err != nil {
		t.Fatal(err)
	}
	if oauth2.AppSpec("APP").Optional || !oauth2.TokenSpec("TOKENS").Optional {
		t.Error("an application's secret is required, and tokens are not there before somebody connects")
	}
	// A deployment with an application and no account is a good one.
	if _, err := schema.Load(t.Context(), store(t, "APP", json.RawMessage(`{"clientId":"id"}`)), slices.Collect(set.All())...); err != nil {
		t.Error(err)
	}
}

func TestNoStoredFormPrintsASecret(t *testing.T) {
	t.Parallel()
	app := oauth2.App{ClientID: "id", ClientSecret: core.String("canary"), PrivateKey: core.String("canary")}
	token := oauth2.Token{AccessToken: core.String("canary"), RefreshToken: core.String("canary")}
	for _, v := range []any{app, token, &app, &token} {
		text, _ := json.Marshal(v)
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", v, v, v, v), string(text)} {
			if strings.Contains(shown, "canary") {
				t.Errorf("a %T prints a secret", v)
			}
		}
	}
}
