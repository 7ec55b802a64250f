package oauth2_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/oauth2"
)

func TestATimeReadsWhatItCanAndNothingElse(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for stored, want := range map[string]time.Time{
		`"2026-03-01T12:00:00Z"`:           noon,
		`"2026-03-01T12:00:00.000000001Z"`: noon.Add(1),
		`"2026-03-01T11:00:00-01:00"`:      noon,
		`1772366400`:                       noon,
		`1772366400.25`:                    noon.Add(250 * time.Millisecond),
		`1.7723664e9`:                      noon,
		`1772366400000`:                    noon,
		`1772366400001`:                    noon.Add(time.Millisecond),
		`"1772366400"`:                     noon,
		`"1772366400000"`:                  noon,
		`99999999999`:                      time.Unix(99999999999, 0),
		`100000000000`:                     time.Unix(100000000, 0),
		`253402300799999`:                  time.Unix(253402300799, 999e6),
		`1`:                                time.Unix(1, 0),
		`"9999-12-31T23:59:59Z"`:           time.Unix(253402300799, 0),

		`253402300800000`:         {},
		`1e99`:                    {},
		`1e999`:                   {},
		`0`:                       {},
		`-1`:                      {},
		`0.4`:                     {},
		`"1970-01-01T00:00:00Z"`:  {},
		`"0001-01-01T00:00:00Z"`:  {},
		`"-1772366400"`:           {},
		`""`:                      {},
		`"soon"`:                  {},
		`"NaN"`:                   {},
		`"Infinity"`:              {},
		`"0x10000000000"`:         {},
		`"1_772_366_400"`:         {},
		`"2026-03-01"`:            {},
		`"2026-03-01 12:00:00"`:   {},
		`"2026-13-01T12:00:00Z"`:  {},
		`"10000-01-01T12:00:00Z"`: {},
		`null`:                    {},
		`true`:                    {},
		`[1772366400]`:            {},
		`{"seconds":1772366400}`:  {},
		`"\ud800"`:                {},
		`"1772366400` + strings.Repeat("0", 100) + `"`: {},
	} {
		var got oauth2.Time
		if err := json.Unmarshal([]byte(stored), &got); err != nil {
			t.Errorf("%s is an error: %v", stored, err)
		}
		if !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("%s is %v, want %v", stored, got, want)
		}
	}
}

func TestATimeThatIsUnknownStaysSo(t *testing.T) {
	t.Parallel()
	for _, unknown := range []time.Time{{}, time.Unix(0, 0), time.Unix(-5, 0), time.Unix(253402300800, 0)} {
		text, err := json.Marshal(oauth2.Time{Time: unknown})
		if err != nil || string(text) != "null" {
			t.Errorf("%v is written as %s, %v", unknown, text, err)
		}
	}
	known := oauth2.Time{Time: time.Unix(1772366400, 5)}
	if err := known.UnmarshalText([]byte("soon")); err != nil || !known.IsZero() {
		t.Errorf("a time that can't be read leaves the one before it: %v, %v", known, err)
	}
	if text, err := known.MarshalText(); err != nil || len(text) != 0 {
		t.Errorf("an unknown time has the text %q, %v", text, err)
	}
}

func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		`"2026-03-01T12:00:00Z"`, `1772366400`, `1772366400000.5`, `"1772366400"`, `"soon"`, `1e99`, `-0`, `null`, `"9999-12-31T23:59:59.9999999Z"`, `{}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		var read oauth2.Time
		err := json.Unmarshal([]byte(stored), &read)
		if json.Valid([]byte(stored)) != (err == nil) {
			t.Fatalf("a document and an error, or the other way round: %v", err)
		}
		if err := read.UnmarshalJSON([]byte(stored)); err != nil {
			t.Fatal(err)
		}
		if read.IsZero() {
			return
		}
		if read.Unix() <= 0 || read.Year() > 9999 {
			t.Fatalf("it reads as %v", read)
		}
		text, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		var again oauth2.Time
		if err := json.Unmarshal(text, &again); err != nil || !again.Equal(read.Time) {
			t.Fatalf("%v comes back as %v, %v", read, again, err)
		}
	})
}
