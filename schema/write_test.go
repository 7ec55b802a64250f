package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

func stripe(key string) StripeCredentials {
	return StripeCredentials{APIKey: core.String(key), WebhookSecret: core.String("w")}
}

func TestSetRefusesToDropWhatItDoesNotDeclare(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	type team struct {
		Members map[string]StripeCredentials `json:"members,omitempty"`
		List    []StripeCredentials          `json:"list,omitempty"`
		One     *StripeCredentials           `json:"one,omitempty"`
		Any     any                          `json:"any,omitempty"`
		Raw     json.RawMessage              `json:"raw,omitempty"`
	}
	d := declare[team](schema.Spec{ID: "ID"})
	value := team{Any: "new"}
	for stored, want := range map[string]string{
		`{"canary":1}`: "/* undeclared",
		`{"list":[{"apiKey":"sk_1","webhookSecret":"w"},{"canary":1}]}`: "/list/1/* undeclared",
		`{"members":{"canary":{"canary2":1}}}`:                          "/members/*/* undeclared",
		`{"one":{"ApiKey":1}}`:                                          "/one/* undeclared",
		// What an interface and a RawMessage hold is declared, whatever it is.
		`{"any":{"x":1},"raw":{"y":2}}`: "",
		`{"list":[]}`:                   "",
		`no document`:                   "",
		`{"one":{"apiKey":"pk_"}}`:      "",
	} {
		f := newFake(map[string]string{"ID": stored})
		err := d.Set(ctx, f.service(), value)
		if want == "" {
			if err != nil || f.stored("ID") != `{"any":"new"}` {
				t.Errorf("over %s: %v", stored, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("over %s: it is written", stored)
			continue
		}
		if got := at(t, err); got != want || !errors.Is(err, core.ErrConflict) || strings.Contains(err.Error(), "canary") {
			t.Errorf("over %s: got %q, %v", stored, got, err)
		}
		if f.stored("ID") != stored {
			t.Errorf("over %s: it is changed", stored)
		}
	}
}

func TestSetWritesOnlyOverWhatItHasSeen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	const newer = `{"apiKey":"sk_2","webhookSecret":"w","added":1}`
	for name, f := range map[string]*fake{"absent": newFake(nil), "there": newFake(map[string]string{"ID": storedStripe})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Newer code writes between the reading and the writing.
			var once sync.Once
			f.before = func(id string) { once.Do(func() { f.put(id, newer) }) }
			err := d.Set(ctx, f.service(), stripe("sk_3"))
			if !errors.Is(err, core.ErrConflict) || at(t, err) != "/* undeclared" {
				t.Errorf("got %v", err)
			}
			if f.stored("ID") != newer {
				t.Error("what newer code wrote is gone")
			}
		})
	}
}

// AWS is such a store: a name is barred until the window to recover it is over.
func TestSetStoresWhereADeletedSecretBarsItsID(t *testing.T) {
	t.Parallel()
	f := newFake(nil)
	f.barred = map[string]bool{"ID": true}
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	if err := d.Set(t.Context(), f.service(), stripe("sk_1"), core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
		t.Errorf("on condition: %v", err)
	}
	if err := d.Set(t.Context(), f.service(), stripe("sk_1")); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Get(t.Context(), f.service()); err != nil || got.APIKey.Reveal() != "sk_1" {
		t.Errorf("it is not stored: %v", err)
	}
}

func TestSetObeysOptions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	f := newFake(map[string]string{"ID": storedStripe})
	svc := f.service()
	if err := d.Set(ctx, svc, stripe("sk_2"), core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
		t.Errorf("IfAbsent: %v", err)
	}
	if err := d.Set(ctx, svc, stripe("sk_2"), core.IfVersion("0")); !errors.Is(err, core.ErrConflict) {
		t.Errorf("IfVersion: %v", err)
	}
	if f.count(&f.writes) != 1 {
		t.Error("a write whose condition does not hold was tried again")
	}
	if err := d.Set(ctx, svc, stripe("sk_2"), core.IfVersion("1")); err != nil {
		t.Errorf("IfVersion: %v", err)
	}
	if err := d.Set(ctx, svc, stripe("sk_2"), core.IfChanged()); err != nil || f.count(&f.writes) != 2 {
		t.Errorf("IfChanged: %v, %d writes", err, f.writes)
	}
}

func TestSetOfPlainBytesNeedsNoRightToRead(t *testing.T) {
	t.Parallel()
	f := newFake(nil)
	svc := core.New("writeonly", writeOnly{f})
	if err := declare[string](schema.Spec{ID: "ID"}).Set(context.Background(), svc, "x"); err != nil || f.stored("ID") != "x" {
		t.Errorf("got %v", err)
	}
	err := declare[StripeCredentials](schema.Spec{ID: "DOC"}).Set(context.Background(), svc, stripe("sk_1"))
	if !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), "reads first") {
		t.Errorf("a document: %v", err)
	}
}

type writeOnly struct{ *fake }

func (writeOnly) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, core.ErrPermissionDenied
}

func TestAFailedWriteStaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{core.ErrPermissionDenied, core.ErrUnavailable, core.ErrExhausted, core.ErrIndeterminate} {
		f := newFake(map[string]string{"ID": storedStripe})
		svc := f.service()
		tries := 0
		f.before = func(string) { tries++; f.fail("ID", kind) }
		err := declare[StripeCredentials](schema.Spec{ID: "ID"}).Set(context.Background(), svc, stripe("sk_2"))
		if !errors.Is(err, kind) || core.KindOf(err) != kind {
			t.Errorf("%v: got %v", kind, err)
		}
		if tries != 1 {
			t.Errorf("%v: %d writes were tried", kind, tries)
		}
	}
}

func TestUpdateKeepsWhatItDoesNotDeclare(t *testing.T) {
	t.Parallel()
	type item struct {
		ID   string `json:"id"`
		N    int    `json:"n,omitempty"`
		Note string `json:"note,omitempty" jsonschema:"default=none"`
	}
	type doc struct {
		Key   core.Value      `json:"key"`
		Items []item          `json:"items,omitempty"`
		Map   map[string]item `json:"map,omitempty"`
		Sub   *item           `json:"sub,omitempty"`
		Num   float64         `json:"num,omitempty"`
		Opt   string          `json:"opt,omitempty"`
	}
	for name, test := range map[string]struct {
		stored string
		change func(*doc)
		want   string // empty: a conflict
	}{
		"a field": {
			`{"key":"a","added":{"deep":[1.50]},"num":1.10}`, func(d *doc) { d.Key = core.String("b") },
			`{"added":{"deep":[1.50]},"key":"b","num":1.10}`,
		},
		"a field that goes":          {`{"key":"a","opt":"x","OPT":"y"}`, func(d *doc) { d.Opt = "" }, `{"OPT":"y","key":"a"}`},
		"a field that comes":         {`{"key":"a"}`, func(d *doc) { d.Opt = "x" }, `{"key":"a","opt":"x"}`},
		"a default stays one":        {`{"key":"a","sub":{"id":"s"}}`, func(d *doc) { d.Key = core.String("b") }, `{"key":"b","sub":{"id":"s"}}`},
		"a default next to a change": {`{"key":"a","sub":{"id":"s","x":1}}`, func(d *doc) { d.Sub.N = 2 }, `{"key":"a","sub":{"id":"s","n":2,"x":1}}`},
		"a default that changes":     {`{"key":"a","sub":{"id":"s"}}`, func(d *doc) { d.Sub.Note = "mine" }, `{"key":"a","sub":{"id":"s","note":"mine"}}`},
		"a struct within":            {`{"key":"a","sub":{"id":"s","added":1}}`, func(d *doc) { d.Sub.ID = "t" }, `{"key":"a","sub":{"added":1,"id":"t"}}`},
		"a struct that goes":         {`{"key":"a","sub":{"id":"s","added":1}}`, func(d *doc) { d.Sub = nil }, `{"key":"a"}`},
		"a member of a map": {
			`{"key":"a","map":{"x":{"id":"1","added":1},"y":{"id":"2","added":2},"z":{"id":"3"}}}`,
			func(d *doc) {
				d.Map["x"] = item{ID: "9", Note: "none"}
				delete(d.Map, "y")
				d.Map["w"] = item{ID: "4", Note: "n"}
			},
			`{"key":"a","map":{"w":{"id":"4","note":"n"},"x":{"added":1,"id":"9"},"z":{"id":"3"}}}`,
		},
		"an item in its place": {
			`{"key":"a","items":[{"id":"1","added":1},{"id":"2","added":2}]}`, func(d *doc) { d.Items[1].ID = "9" },
			`{"items":[{"added":1,"id":"1"},{"added":2,"id":"9"}],"key":"a"}`,
		},
		"items in another order": {
			`{"key":"a","items":[{"id":"1","added":1},{"id":"2","added":2}]}`, func(d *doc) { d.Items[0], d.Items[1] = d.Items[1], d.Items[0] },
			`{"items":[{"added":2,"id":"2"},{"added":1,"id":"1"}],"key":"a"}`,
		},
		"an item more": {
			`{"key":"a","items":[{"id":"1","added":1}]}`, func(d *doc) { d.Items = append(d.Items, item{ID: "2", Note: "n"}) },
			`{"items":[{"added":1,"id":"1"},{"id":"2","note":"n"}],"key":"a"}`,
		},
		"an item less": {
			`{"key":"a","items":[{"id":"1","added":1},{"id":"2","added":2}]}`, func(d *doc) { d.Items = d.Items[1:] },
			`{"items":[{"added":2,"id":"2"}],"key":"a"}`,
		},
		"items that can't be told apart": {
			`{"key":"a","items":[{"id":"1","added":1},{"id":"2","added":2}]}`, func(d *doc) { d.Items = []item{{ID: "9", Note: "n"}} }, "",
		},
		"items that can be replaced": {
			`{"key":"a","items":[{"id":"1"},{"id":"2"}]}`, func(d *doc) { d.Items = []item{{ID: "9", Note: "n"}} },
			`{"items":[{"id":"9","note":"n"}],"key":"a"}`,
		},
		"what reads as nothing": {
			`{"key":"a","num":0,"opt":"","sub":{"id":"s","n":0},"items":[]}`, func(d *doc) { d.Key = core.String("b") },
			`{"items":[],"key":"b","num":0,"opt":"","sub":{"id":"s","n":0}}`,
		},
		"what reads as nothing, in an item that changes": {
			`{"key":"a","items":[{"id":"1","n":0}],"map":{"x":{"id":"1","n":0}}}`,
			func(d *doc) { d.Items[0].ID = "9"; d.Map["x"] = item{ID: "8", Note: "none"} },
			`{"items":[{"id":"9","n":0}],"key":"a","map":{"x":{"id":"8","n":0}}}`,
		},
		"what read as nothing and is something now": {
			`{"key":"a","opt":"","num":0}`, func(d *doc) { d.Opt = "x" }, `{"key":"a","num":0,"opt":"x"}`,
		},
		"nothing": {`{ "key":"a", "x":1 }`, func(*doc) {}, `{ "key":"a", "x":1 }`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(map[string]string{"ID": test.stored})
			d := declare[doc](schema.Spec{ID: "ID"})
			err := d.Update(context.Background(), f.service(), func(v *doc) error { test.change(v); return nil })
			if test.want == "" {
				if !errors.Is(err, core.ErrConflict) || at(t, err) != "/items/0/* undeclared" || f.stored("ID") != test.stored {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := f.stored("ID"); got != test.want {
				t.Errorf("stored is %s, want %s", got, test.want)
			}
			if name == "nothing" && f.writes != 1 {
				t.Error("it was written without a change")
			}
		})
	}
}

// moment reads a time, and what is none as no time at all.
type moment struct{ text string }

func (m *moment) UnmarshalText(text []byte) error {
	if strings.HasPrefix(string(text), "20") {
		m.text = string(text)
	}
	return nil
}

func (m moment) MarshalText() ([]byte, error) { return []byte(m.text), nil }

func TestUpdateKeepsWhatItReadsAsNothing(t *testing.T) {
	t.Parallel()
	type tokens struct {
		Access  core.Value `json:"access"`
		Refresh core.Value `json:"refresh,omitzero"`
		Ends    moment     `json:"ends,omitzero"`
	}
	for name, test := range map[string]struct {
		change func(*tokens)
		want   string
	}{
		"left alone":     {func(v *tokens) { v.Access = core.String("b") }, `{"access":"b","ends":"soon","refresh":""}`},
		"changed":        {func(v *tokens) { v.Ends = moment{"2026"} }, `{"access":"a","ends":"2026","refresh":""}`},
		"another change": {func(v *tokens) { v.Refresh = core.String("r") }, `{"access":"a","ends":"soon","refresh":"r"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(map[string]string{"ID": `{"access":"a","refresh":"","ends":"soon"}`})
			d := declare[tokens](schema.Spec{ID: "ID"})
			if err := d.Update(context.Background(), f.service(), func(v *tokens) error { test.change(v); return nil }); err != nil {
				t.Fatal(err)
			}
			if got := f.stored("ID"); got != test.want {
				t.Errorf("stored is %s, want %s", got, test.want)
			}
		})
	}
}

func TestUpdateWritesOverTheVersionThatItRead(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	type counter struct {
		N int `json:"n"`
	}
	d := declare[counter](schema.Spec{ID: "ID"})
	f := newFake(map[string]string{"ID": `{"n":0,"added":1}`})
	svc := f.service()
	// Rounds of few writers, so that each wins within its tries.
	const rounds, writers = 20, 4
	for range rounds {
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				if err := d.Update(ctx, svc, func(c *counter) error { c.N++; return nil }); err != nil {
					t.Errorf("Update: %v", err)
				}
			})
		}
		all.Wait()
	}
	if got := f.stored("ID"); got != `{"added":1,"n":80}` {
		t.Errorf("stored is %s after %d updates", got, rounds*writers)
	}
}

func TestUpdateGivesUpAfterAFewTries(t *testing.T) {
	t.Parallel()
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	f := newFake(map[string]string{"ID": storedStripe})
	f.before = func(id string) { f.put(id, storedStripe) }
	calls := 0
	err := d.Update(context.Background(), f.service(), func(c *StripeCredentials) error { calls++; c.APIKey = core.String("sk_9"); return nil })
	if !errors.Is(err, core.ErrConflict) || calls != 8 {
		t.Errorf("got %v after %d tries", err, calls)
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls = 0
	err = d.Update(ctx, f.service(), func(c *StripeCredentials) error { calls++; cancel(); c.APIKey = core.String("sk_9"); return nil })
	if err == nil || calls != 1 {
		t.Errorf("a cancelled one: %v after %d tries", err, calls)
	}
}

func TestUpdateWithoutConditionsIsTheLastWriter(t *testing.T) {
	t.Parallel()
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	f := newFake(map[string]string{"ID": storedStripe})
	f.blind = true
	f.before = func(id string) { f.put(id, storedStripe) }
	err := d.Update(context.Background(), f.service(), func(c *StripeCredentials) error { c.APIKey = core.String("sk_9"); return nil })
	if err != nil || !strings.Contains(f.stored("ID"), "sk_9") {
		t.Errorf("got %v", err)
	}
	if err := d.Set(context.Background(), f.service(), stripe("sk_8")); err != nil || !strings.Contains(f.stored("ID"), "sk_8") {
		t.Errorf("Set: %v", err)
	}
}

func TestUpdateOfWhatCantBeRead(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	refused := errors.New("refused")
	for name, test := range map[string]struct {
		stored string
		fails  error
		change error
		want   error
	}{
		"missing":              {"", nil, nil, core.ErrNotFound},
		"denied":               {"", core.ErrPermissionDenied, nil, core.ErrPermissionDenied},
		"invalid":              {`{"apiKey":"pk_1"}`, nil, nil, core.ErrInvalidValue},
		"an error of change":   {storedStripe, nil, refused, refused},
		"a change for invalid": {storedStripe, nil, nil, core.ErrInvalidValue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(nil)
			if test.stored != "" {
				f.put("ID", test.stored)
			}
			if test.fails != nil {
				f.fail("ID", test.fails)
			}
			before := f.writes
			err := d.Update(ctx, f.service(), func(c *StripeCredentials) error {
				if test.stored != storedStripe {
					t.Error("change is called")
				}
				c.APIKey = core.String("pk_canary")
				return test.change
			})
			if !errors.Is(err, test.want) || f.writes != before {
				t.Errorf("got %v and %d writes", err, f.writes-before)
			}
			if test.change != nil && err != refused { //nolint:errorlint // as it is
				t.Errorf("the error of change is %v", err)
			}
		})
	}
}

func TestUpdateOfPlainBytes(t *testing.T) {
	t.Parallel()
	f := newFake(map[string]string{"ID": "a"})
	d := declare[string](schema.Spec{ID: "ID"})
	if err := d.Update(context.Background(), f.service(), func(s *string) error { *s += "b\n"; return nil }); err != nil || f.stored("ID") != "ab\n" {
		t.Errorf("got %q, %v", f.stored("ID"), err)
	}
}

func TestANumberThatIsAbsentCanBeStored(t *testing.T) {
	t.Parallel()
	type limits struct {
		N json.Number `json:"n,omitempty"`
	}
	f := newFake(nil)
	if err := declare[limits](schema.Spec{ID: "A"}).Set(context.Background(), f.service(), limits{}); err != nil || f.stored("A") != "{}" {
		t.Errorf("got %v", err)
	}
}
