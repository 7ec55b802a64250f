package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault/internal/wire"
)

type object = map[string]any

// what is asked of both servers, in this order.
var questions = []struct {
	as, method, path string // 2 and 1 in the path stand for the mounts
	body             any
}{
	{"token", "GET", "sys/internal/ui/mounts/2", nil},
	{"token", "GET", "sys/internal/ui/mounts/1", nil},
	{"token", "GET", "sys/internal/ui/mounts/2/deeper", nil},
	{"token", "GET", "sys/internal/ui/mounts/cubbyhole", nil},
	{"token", "GET", "sys/internal/ui/mounts/nope", nil},
	{"unknown", "GET", "sys/internal/ui/mounts/2", nil},
	{"token", "GET", "auth/token/lookup-self", nil},
	{"unknown", "GET", "auth/token/lookup-self", nil},
	{"nobody", "GET", "auth/token/lookup-self", nil},
	{"nobody", "PUT", "auth/approle/login", "login"},
	{"nobody", "POST", "auth/approle/login", object{"role_id": "x", "secret_id": "x"}},

	{"token", "GET", "2/data/a", nil},
	{"token", "GET", "2/metadata/a", nil},
	{"token", "GET", "2/metadata?list=true", nil},
	{"token", "DELETE", "2/data/a", nil},
	{"token", "DELETE", "2/metadata/a", nil},
	{"token", "PUT", "2/data/a", object{"data": object{"k": "v"}, "options": object{"cas": 1}}},
	{"token", "PUT", "2/data/a", object{"data": object{"k": "v"}, "options": object{"cas": 0}}},
	{"token", "PUT", "2/data/a", object{"data": object{"k": "v"}, "options": object{"cas": 0}}},
	{"token", "POST", "2/data/a", object{"data": object{"k": "w"}}},
	{"token", "PUT", "2/data/a", object{"k": "v"}},
	{"token", "PUT", "2/data/dir/b", object{"data": object{"k": "v"}}},
	{"token", "GET", "2/data/a", nil},
	{"token", "GET", "2/data/a?version=1", nil},
	{"token", "GET", "2/data/a?version=7", nil},
	{"token", "GET", "2/metadata/a", nil},
	{"token", "GET", "2/metadata?list=true", nil},
	{"token", "LIST", "2/metadata/dir", nil},
	{"token", "GET", "2/metadata/a?list=true", nil},
	{"token", "DELETE", "2/data/a", nil},
	{"token", "GET", "2/data/a", nil},
	{"token", "GET", "2/metadata/a", nil},
	{"token", "PUT", "2/destroy/a", object{"versions": []int{1, 2}}},
	{"token", "GET", "2/data/a", nil},
	{"token", "DELETE", "2/metadata/a", nil},
	{"token", "GET", "2/data/a", nil},
	{"unknown", "GET", "2/data/a", nil},
	{"nobody", "GET", "2/data/a", nil},
	{"unknown", "PUT", "2/data/a", object{"data": object{"k": "v"}}},

	{"token", "GET", "2/a", nil},
	{"token", "PUT", "2/a", object{"k": "v"}},
	{"token", "DELETE", "2/a", nil},
	{"token", "GET", "nope/data/a", nil},
	{"token", "PUT", "nope/data/a", object{"data": object{"k": "v"}}},
	{"token", "GET", "identity/data/a", nil},
	{"token", "PUT", "identity/data/a", object{"data": object{"k": "v"}}},

	{"token", "GET", "1/a", nil},
	{"token", "GET", "1?list=true", nil},
	{"token", "PUT", "1/a", object{}},
	{"token", "PUT", "1/a", object{"k": "v"}},
	{"token", "POST", "1/dir/b", object{"k": "v"}},
	{"token", "GET", "1/a", nil},
	{"token", "GET", "1?list=true", nil},
	{"token", "GET", "1/dir?list=true", nil},
	{"token", "DELETE", "1/a", nil},
	{"token", "DELETE", "1/a", nil},
	{"token", "GET", "1/a", nil},
	{"unknown", "GET", "1/a", nil},
}

func TestWireAnswersAsTheRealServerDoes(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	role := srv.AppRole(t, vaulttest.Role{})
	theirs := side{
		base: srv.Address + "/v1/", token: srv.RootToken,
		mount: map[string]string{"2": srv.MountKV(t, 2).Mount, "1": srv.MountKV(t, 1).Mount, "auth/approle": "auth/" + role.Mount},
		login: object{"role_id": role.RoleID, "secret_id": role.SecretID},
	}
	fake := wire.New(t)
	ours := side{
		base: fake.URL + "/v1/", token: fake.Token,
		mount: map[string]string{"2": wire.MountV2, "1": wire.MountV1},
		login: object{"role_id": fake.RoleID, "secret_id": fake.SecretID},
	}
	for i, q := range questions {
		want := theirs.ask(t, q.as, q.method, q.path, q.body)
		got := ours.ask(t, q.as, q.method, q.path, q.body)
		if got != want {
			t.Errorf("question %d, %s %s as %s:\n the fake answers %s\n the real one    %s", i, q.method, q.path, q.as, got, want)
		}
	}
}

// side is one of the two servers.
type side struct {
	base, token string
	mount       map[string]string
	login       object
}

// ask returns the status of an answer, the headers that matter, and the shape
// of its JSON.
func (s side) ask(t *testing.T, as, method, path string, body any) string {
	t.Helper()
	for name, mount := range s.mount {
		for _, before := range []string{"", "sys/internal/ui/mounts/"} {
			if rest, ok := strings.CutPrefix(path, before+name); ok && (rest == "" || strings.ContainsAny(rest[:1], "/?")) {
				path = before + mount + rest
			}
		}
	}
	if body == "login" {
		body = s.login
	}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, content)
	if err != nil {
		t.Fatal(err)
	}
	switch as {
	case "token":
		req.Header.Set("X-Vault-Token", s.token)
	case "unknown":
		req.Header.Set("X-Vault-Token", "hvs.unknown")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	form := "no body"
	if len(text) > 0 {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatalf("%s %s: no JSON", method, path)
		}
		form = shape(v, "")
	}
	return fmt.Sprintf("%d %s %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Cache-Control"), form)
}

// fixed are the fields whose content is the same on both sides, and not only
// its form.
var fixed = map[string]bool{
	"k": true, "keys": true, "version": true, "current_version": true, "destroyed": true,
	"type": true, "renewable": true, "lease_duration": true, "token_type": true,
}

// shape is the form of a JSON value: the names of its members, and the types.
// Errors are told by their first words, which the provider looks at.
func shape(v any, name string) string {
	if fixed[name] {
		text, _ := json.Marshal(v)
		return string(text)
	}
	switch v := v.(type) {
	case map[string]any:
		var members []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			members = append(members, name+":"+shape(v[name], name))
		}
		return "{" + strings.Join(members, " ") + "}"
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, shape(item, name+"[]"))
		}
		return "[" + strings.Join(items, " ") + "]"
	case string:
		if name == "errors[]" || name == "warnings[]" {
			words, _, _ := strings.Cut(v, `"`) // in quotes stands a path
			words, _, _ = strings.Cut(words, ".")
			return words
		}
		if v == "" {
			return "empty"
		}
		return "text"
	}
	return fmt.Sprintf("%T", v)
}

func TestWireReplacesTheAnswerThatIsMeant(t *testing.T) {
	t.Parallel()
	fake := wire.New(t)
	ours := side{base: fake.URL + "/v1/", token: fake.Token}
	fake.Replace(wire.To("GET", "/v1/secret/data/"), 2, wire.Answer{Status: 418})
	var got []string
	for range 3 {
		got = append(got, ours.ask(t, "token", "GET", "secret/data/a", nil)[:3])
	}
	if want := []string{"404", "418", "404"}; !slices.Equal(got, want) {
		t.Errorf("answers are %v, want %v", got, want)
	}
	if n := len(fake.Requests(wire.To("", "/v1/secret/"))); n != 3 {
		t.Errorf("%d requests seen, want 3", n)
	}
	fake.Replace(wire.To("PUT", "/v1/secret/data/"), 1, wire.Answer{Status: 502, After: true})
	if got := ours.ask(t, "token", "PUT", "secret/data/a", object{"data": object{"k": "v"}}); !strings.HasPrefix(got, "502") {
		t.Errorf("the answer is %s, want 502", got)
	}
	if got := ours.ask(t, "token", "GET", "secret/data/a", nil); !strings.HasPrefix(got, "200") {
		t.Errorf("what was to be done before the answer was lost was not: %s", got)
	}
}
