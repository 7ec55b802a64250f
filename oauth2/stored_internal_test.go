package oauth2

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestTheFixturesOfClaimsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/stored/claims.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Name   string          `json:"name"`
		Stored json.RawMessage `json:"stored"`
		Tokens Token           `json:"tokens"`
		Means  string          `json:"means"`
	}
	if err := json.Unmarshal(content, &all); err != nil || len(all) == 0 {
		t.Fatalf("%d fixtures, %v", len(all), err)
	}
	means := map[string]claimState{"free": claimFree, "live": claimLive, "refused": claimRefused, "foreign": claimForeign}
	for _, f := range all {
		var cl claim
		if err := json.Unmarshal(f.Stored, &cl); err != nil {
			t.Fatal(err)
		}
		want, known := means[f.Means]
		if got := cl.of(f.Tokens); !known || got != want {
			t.Errorf("%s: it means %v, want %s", f.Name, got, f.Means)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, f.Stored); err != nil {
			t.Fatal(err)
		}
		if got := cl.document().Reveal(); got != compact.String() {
			t.Errorf("%s: it is written as %s", f.Name, got)
		}
	}
}

// The client writes tokens without the declaration, so the fixtures hold for
// that too.
func TestARefreshWritesTokensAsTheFixturesHaveThem(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tokens", "kept"} {
		content, err := os.ReadFile("testdata/stored/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var all []struct {
			Name          string
			Stored, After json.RawMessage
		}
		if err := json.Unmarshal(content, &all); err != nil || len(all) == 0 {
			t.Fatalf("%d fixtures, %v", len(all), err)
		}
		for _, f := range all {
			var token Token
			if err := json.Unmarshal(f.Stored, &token); err != nil {
				t.Fatal(err)
			}
			over, want := core.Value{}, f.Stored
			if name == "kept" {
				// encoding/json folds case, and what is stored does not.
				token.AccessToken, token.RefreshToken = core.String("new"), core.String("new")
				over, want = core.Bytes(f.Stored), f.After
			}
			got, err := encodeToken(token, over)
			if err != nil || got.Reveal() != inOrder(t, want) {
				t.Errorf("%s: what is written is not the fixture, %v", f.Name, err)
			}
		}
	}
}

// inOrder is a document without spaces and with its names in byte order.
func inOrder(t testing.TB, doc json.RawMessage) string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
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
	return string(bytes.TrimSpace(b.Bytes()))
}
