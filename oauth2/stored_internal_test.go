package oauth2

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
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
