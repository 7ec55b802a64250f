package vault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// example is a fixture of docs/vault-stored-form.md.
type example struct {
	Name   string          `json:"name"`
	Text   string          `json:"value"`
	Base64 []byte          `json:"value_base64"`
	Data   json.RawMessage `json:"data"`
}

func (e example) value() core.Value {
	if e.Base64 != nil {
		return core.Bytes(e.Base64)
	}
	return core.String(e.Text)
}

func examples(t testing.TB, file string) []example {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "stored", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	if err := json.Unmarshal(content, &all); err != nil || len(all) == 0 {
		t.Fatalf("%s: %d fixtures, %v", file, len(all), err)
	}
	return all
}

// overEngines runs a test over both engines, each at a mount of its own.
func overEngines(t *testing.T, run func(t *testing.T, kv vaulttest.KV, store *core.Store)) {
	t.Helper()
	t.Parallel()
	for _, version := range []int{2, 1} {
		t.Run(fmt.Sprintf("KV version %d", version), func(t *testing.T) {
			t.Parallel()
			kv := vaulttest.Shared(t).MountKV(t, version)
			run(t, kv, rootStore(t, kv))
		})
	}
}

// putRaw stores a data map as it is written, as "vault kv put" does with a file.
func putRaw(t testing.TB, kv vaulttest.KV, id string, data json.RawMessage) {
	t.Helper()
	path, body := kv.Mount+"/"+id, []byte(data)
	if kv.Version == 2 {
		path, body = kv.Mount+"/data/"+id, []byte(`{"data":`+string(data)+`}`)
	}
	if r := kv.Server().Do(t, http.MethodPut, path, body); r.Status != http.StatusOK && r.Status != http.StatusNoContent {
		t.Fatalf("%s: the server refuses what others write with %d", id, r.Status)
	}
}

func sameJSON(t testing.TB, kv vaulttest.KV, id string, want json.RawMessage) bool {
	t.Helper()
	got, err := json.Marshal(kv.Data(t, id))
	if err != nil {
		t.Fatal(err)
	}
	return core.Equivalent(core.Bytes(got), core.Bytes(want))
}

func TestFixturesAreStoredAndReadOnTheRealServer(t *testing.T) {
	overEngines(t, func(t *testing.T, kv vaulttest.KV, store *core.Store) {
		for _, file := range []string{"objects", "text", "bytes"} {
			for i, e := range examples(t, file) {
				id := fmt.Sprintf("%s/%d", file, i)
				if _, err := store.Set(t.Context(), id, e.value()); err != nil {
					t.Errorf("%s: Set: %v", e.Name, err)
					continue
				}
				if !sameJSON(t, kv, id, e.Data) {
					t.Errorf("%s: another data map is stored", e.Name)
				}
				if s, err := store.Get(t.Context(), id); err != nil || !core.Equivalent(s.Value, e.value()) {
					t.Errorf("%s: another value comes back, %v", e.Name, err)
				}
			}
		}
		for i, e := range examples(t, "others") {
			if string(e.Data) == "{}" && kv.Version == 1 {
				continue // which this engine refuses to hold
			}
			id := fmt.Sprintf("others/%d", i)
			putRaw(t, kv, id, e.Data)
			s, err := store.Get(t.Context(), id)
			if e.Text == "" {
				if !errors.Is(err, core.ErrNotFound) {
					t.Errorf("%s: %v", e.Name, err)
				}
			} else if err != nil || s.Value.Reveal() != e.Text {
				t.Errorf("%s: another value is read, %v", e.Name, err)
			}
		}
		for i, e := range examples(t, "broken") {
			id := fmt.Sprintf("broken/%d", i)
			putRaw(t, kv, id, e.Data)
			if err := read(t, store, id); !errors.Is(err, core.ErrCorrupt) || strings.Contains(fmt.Sprintf("%+v", err), "SENTINEL") {
				t.Errorf("%s: it is not corrupt, or quoted", e.Name)
			}
		}
	})
}

// awkward are values that some layer between here and the server's storage would
// like to make another thing of.
func awkward() map[string]string {
	full := func(unit string) string { return strings.Repeat(unit, core.MaxValueLen/len(unit)) }
	values := map[string]string{
		"a repeated name":            `{"a":1,"a":2}`,
		"a repeated name below":      `{"x":{"a":1,"\u0061":2}}`,
		"half a surrogate pair":      `{"a":"\ud800"}`,
		"a name of half a pair":      `{"\udfff":1}`,
		"the empty object":           `{}`,
		"an object of one empty one": `{"a":{}}`,
		"a null field":               `{"a":null}`,
		"HTML":                       `{"<b>":"&\u2028\u2029</b>"}`,
		"U+2028 as it is":            "{\"a\":\"\u2028\"}",
		"spaces around":              " {\"a\":1}\n",
		"no break space around":      "\u00a0{\"a\":1}",
		"our text wrapping":          `{"lukko_text":"x"}`,
		"our broken wrapping":        `{"lukko_base64":"!"}`,
		"our wrapping, escaped":      `{"lukko\u005ftext":"x"}`,
		"our wrapping and more":      `{"lukko_text":"x","lukko_base64":"eA=="}`,
		"our wrapping below":         `{"a":{"lukko_text":"x"}}`,
		"the engine's own request":   `{"data":{"a":"b"},"options":{"cas":9}}`,
		"fields of HTTP's query":     `{"version":"1","list":"true","help":"1"}`,
		"a lease":                    `{"ttl":"1s","lease":"1s","lease_duration":1}`,
		"the field value":            `{"value":"x"}`,
		"deep":                       strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200),
		"wide":                       `{"a":[` + strings.Repeat("0,", 5000) + `0]}`,
		"many names":                 `{` + strings.TrimSuffix(manyNames(3000), ",") + `}`,
		"64 KiB of text":             full("a"),
		"64 KiB of HTML":             full("<"),
		"64 KiB of NUL":              full("\x00"),
		"64 KiB of no text":          full("\xff"),
		"64 KiB of emoji":            full("😀"),
		"64 KiB of an object":        `{"a":"` + strings.Repeat("<", core.MaxValueLen-8) + `"}`,
		"64 KiB of quotes":           full(`"`),
		"64 KiB of spaces":           full(" "),
		"one line end":               "\n",
	}
	for _, number := range []string{
		"0", "-0", "0.0", "1.0", "1e1", "0.1", "9007199254740992", "9007199254740993", "18446744073709551615", "18446744073709551616",
		"123456789012345678901234567890", "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "5e-324", "4e-324", "2e-324", "1e-400",
		"0.1000000000000000055511151231257827", "0.30000000000000004", "1e20", "1e21", "1E+2", "3.14159265358979323846",
	} {
		values["the number "+number] = `{"n":` + number + `}`
		values["the bare number "+number] = number
	}
	return values
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":%d,`, i, i)
	}
	return b.String()
}

func TestAwkwardValuesComeBackFromTheRealServer(t *testing.T) {
	overEngines(t, func(t *testing.T, kv vaulttest.KV, store *core.Store) {
		n := 0
		for name, text := range awkward() {
			n++
			id := fmt.Sprintf("v/%d", n)
			value := core.String(text)
			if _, err := store.Set(t.Context(), id, value); err != nil {
				t.Errorf("%s: Set: %v", name, err)
				continue
			}
			s, err := store.Get(t.Context(), id)
			if err != nil || !core.Equivalent(s.Value, value) {
				t.Errorf("%s: another value comes back, of %d bytes for %d, %v", name, len(s.Value.Reveal()), len(text), err)
			}
		}
	})
}

func TestSeedsOfTheFuzzersComeBackFromTheRealServer(t *testing.T) {
	overEngines(t, func(t *testing.T, kv vaulttest.KV, store *core.Store) {
		seeds, err := filepath.Glob(filepath.Join("testdata", "fuzz", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		values := []string{`{"a":1e-7}`, `{"a":"\u007f"}`, "\ufffd", `{"a":"\ud83d\ude00"}`, `{"a":[[[{}]]]}`}
		for _, file := range seeds {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, string(content))
		}
		for i, text := range values {
			id := fmt.Sprintf("seed/%d", i)
			if _, err := store.Set(t.Context(), id, core.String(text)); err != nil {
				t.Errorf("seed %d: %v", i, err)
			} else if s, err := store.Get(t.Context(), id); err != nil || !core.Equivalent(s.Value, core.String(text)) {
				t.Errorf("seed %d: another value comes back, %v", i, err)
			}
		}
	})
}

func TestIfChangedOfAnObjectInAnotherSpellingMakesNoVersion(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	store := rootStore(t, kv)
	first, err := store.Set(t.Context(), "a", core.String(`{"b":"<x>","a":100}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range []string{`{"a":1e2,"b":"\u003cx>"}`, "{ \"b\" : \"<x>\",\n\"a\":100.0 }", `{"a":100,"\u0062":"<x>"}`} {
		info, err := store.Set(t.Context(), "a", core.String(spelling), core.IfChanged())
		if err != nil || info.Version != first.Version {
			t.Errorf("IfChanged answers %q, %v; want the version that is there, %q", info.Version, err, first.Version)
		}
	}
	if n := kv.Metadata(t, "a").Int("data", "current_version"); n != 1 {
		t.Errorf("there are %d versions", n)
	}
	if _, err := store.Set(t.Context(), "a", core.String(`{"b":"<x>","a":100.00000000000001}`), core.IfChanged()); err != nil {
		t.Error(err)
	}
	if n := kv.Metadata(t, "a").Int("data", "current_version"); n != 2 {
		t.Errorf("after another value there are %d versions", n)
	}
}

// metadata changes what is known of a secret beside its versions.
func setMetadata(t testing.TB, kv vaulttest.KV, id string, fields map[string]any) {
	t.Helper()
	if r := kv.Server().Do(t, http.MethodPost, kv.Mount+"/metadata/"+id, fields); r.Status != http.StatusNoContent {
		t.Fatalf("the server refuses metadata with %d", r.Status)
	}
}

func TestMetadataOfOthersIsKeptAndHonoured(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	store := rootStore(t, kv)
	// Metadata alone is no secret, and does not bar its name.
	setMetadata(t, kv, "a", map[string]any{"custom_metadata": map[string]any{"owner": "team"}})
	if err := read(t, store, "a"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Get of metadata alone: %v", err)
	}
	if _, err := store.Stat(t.Context(), "a"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Stat of metadata alone: %v", err)
	}
	if ids := listed(t, store, ""); len(ids) != 0 {
		t.Errorf("List of metadata alone: %q", ids)
	}
	for i, opts := range [][]core.SetOption{{core.IfAbsent()}, nil, {core.IfChanged()}} {
		if _, err := store.Set(t.Context(), "a", core.String(fmt.Sprint("v", i)), opts...); err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if got := kv.Metadata(t, "a").Text("data", "custom_metadata", "owner"); got != "team" {
		t.Errorf("after writes the custom metadata is %q", got)
	}

	// A secret that ends by itself is there until then, and afterwards deleted.
	setMetadata(t, kv, "b", map[string]any{"delete_version_after": "2s"})
	if _, err := store.Set(t.Context(), "b", core.String("v")); err != nil {
		t.Fatal(err)
	}
	providertest.Until(t, "the secret has ended", func() bool { return kv.Get(t, "b").Status == http.StatusNotFound })
	if err := read(t, store, "b"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Get after its end: %v", err)
	}
	if _, err := store.Stat(t.Context(), "b"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Stat after its end: %v", err)
	}
	if _, err := store.Set(t.Context(), "b", core.String("w"), core.IfAbsent()); err != nil {
		t.Errorf("IfAbsent after its end: %v", err)
	}
	setMetadata(t, kv, "c", map[string]any{"delete_version_after": "1h"})
	if _, err := store.Set(t.Context(), "c", core.String("v")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Stat(t.Context(), "c"); err != nil {
		t.Errorf("Stat of what ends in an hour: %v", err)
	}

	// Of a secret that keeps one version the others are gone.
	setMetadata(t, kv, "d", map[string]any{"max_versions": 1})
	first, err := store.Set(t.Context(), "d", core.String("v"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := store.Set(t.Context(), "d", core.String("w"), core.IfVersion(first.Version))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), "d", core.AtVersion(first.Version)); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Get of a version that is kept no more: %v", err)
	}
	if got := versionsOf(t, store, "d"); len(got) != 1 || got[0] != second.Version {
		t.Errorf("the versions are %q, want %q alone", got, second.Version)
	}
}

func TestPlainSetsWriteWhereCheckAndSetIsRequired(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for name, require := range map[string]func(vaulttest.KV){
		"mount":  func(kv vaulttest.KV) { kv.CASRequired(t) },
		"secret": func(kv vaulttest.KV) { setMetadata(t, kv, "a", map[string]any{"cas_required": true}) },
	} {
		kv := srv.MountKV(t, 2)
		require(kv)
		if r := srv.Do(t, http.MethodPut, kv.Mount+"/data/a", map[string]any{"data": map[string]any{"k": "v"}}); r.Status != http.StatusBadRequest {
			t.Fatalf("the %s takes a write without check-and-set: %d", name, r.Status)
		}
		store := rootStore(t, kv)
		if _, err := store.Set(t.Context(), "a", core.String("first")); err != nil {
			t.Errorf("%s: Set of a new id: %v", name, err)
		}
		if err := store.Delete(t.Context(), "a"); err != nil {
			t.Errorf("%s: Delete: %v", name, err)
		}
		if _, err := store.Set(t.Context(), "a", core.String("second")); err != nil {
			t.Errorf("%s: Set after a delete: %v", name, err)
		}
		var all sync.WaitGroup
		written := map[string]bool{}
		for i := range 16 {
			value := fmt.Sprint("writer", i)
			written[value] = true
			all.Go(func() {
				if _, err := store.Set(t.Context(), "a", core.String(value)); err != nil {
					t.Errorf("%s: one of 16 writers: %v", name, err)
				}
			})
		}
		all.Wait()
		if s, err := store.Get(t.Context(), "a"); err != nil || !written[s.Value.Reveal()] {
			t.Errorf("%s: after 16 writers none of their values is there, %v", name, err)
		}
		if n := kv.Metadata(t, "a").Int("data", "current_version"); n != 18 {
			t.Errorf("%s: 18 writes made %d versions", name, n)
		}
	}
}

func TestWhatOthersWroteTooLargeIsNoValue(t *testing.T) {
	overEngines(t, func(t *testing.T, kv vaulttest.KV, store *core.Store) {
		for name, data := range map[string]map[string]any{
			"a text over 64 KiB":    {"lukko_text": strings.Repeat("a", core.MaxValueLen+1)},
			"an object over 64 KiB": {"k": strings.Repeat("a", core.MaxValueLen)},
			"near the entry's size": {"k": strings.Repeat("a", 700_000)},
			"over 1 MiB in JSON":    {"k": strings.Repeat("<", 174_700)},
		} {
			kv.Put(t, "a", data)
			kv.Put(t, "small", map[string]any{"k": "v"})
			if err := read(t, store, "a"); !errors.Is(err, core.ErrInvalidValue) {
				t.Errorf("%s: Get: %v", name, err)
			}
			got, err := store.GetMany(t.Context(), []string{"a", "small"})
			batch := (*core.BatchError)(nil)
			if !errors.As(err, &batch) || !errors.Is(batch.ByID["a"], core.ErrInvalidValue) || got["small"].Value.IsZero() {
				t.Errorf("%s: GetMany with another: %d secrets, %v", name, len(got), err)
			}
			if _, err := store.Set(t.Context(), "a", core.String("v")); err != nil {
				t.Errorf("%s: Set over it: %v", name, err)
			}
			kv.Put(t, "a", data)
			if err := store.Delete(t.Context(), "a"); err != nil {
				t.Errorf("%s: Delete: %v", name, err)
			}
		}
	})
}
