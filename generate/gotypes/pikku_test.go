package gotypes_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lukko-dev/lukko/generate/gotypes"
)

func TestPikkusPeriodsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"1d": 24 * time.Hour, "30day": 30 * 24 * time.Hour, "90days": 90 * 24 * time.Hour, "1w": 7 * 24 * time.Hour, "2weeks": 14 * 24 * time.Hour,
		"12h": 12 * time.Hour, "12hours": 12 * time.Hour, "5min": 5 * time.Minute, "5m": 5 * time.Minute, "30s": 30 * time.Second, "30sec": 30 * time.Second,
		"1500ms": 1500 * time.Millisecond, "1y": 8766 * time.Hour, "2years": 2 * 8766 * time.Hour,
		"": 0, "0d": 0, "soon": 0, "d": 0, "1.5d": 0, "-1d": 0, "1ds": 0, "1hs": 0, "1 d": 0, "99999999999y": 0, "1month": 0,
	} {
		moved, err := gotypes.FromPikku([]byte(`{"a":{"secretId":"A","schema":{"type":"string"},"rotationPeriod":"`+text+`"}}`), nil)
		metas, warnings := moved.Secrets, moved.Warnings
		if err != nil || len(metas) != 1 {
			t.Fatalf("%s: %v, %v", text, metas, err)
		}
		if metas[0].RotationPeriod != want {
			t.Errorf("%s is read as %v and not %v", text, metas[0].RotationPeriod, want)
		}
		if wrong := want == 0 && text != ""; wrong != (len(warnings) == 1) {
			t.Errorf("%s: the warnings are %v", text, warnings)
		}
	}
}

// A schema's name is that of a file in one folder, and of no other.
func TestANameOfASchemaLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{"a/b.schema.json": {Data: []byte(`{"type":"string","minLength":1}`)}}
	for _, name := range []string{"../secret", "/etc/passwd", "a/b", "."} {
		moved, err := gotypes.FromPikku([]byte(`{"a":{"secretId":"A","schema":"`+name+`"}}`), folder)
		metas, warnings := moved.Secrets, moved.Warnings
		if err != nil || len(metas) != 1 || len(metas[0].Schema) > 0 || len(warnings) != 1 || !strings.Contains(warnings[0].String(), "is not there") {
			t.Errorf("%s: %+v, %v, %v", name, metas, warnings, err)
		}
	}
}
