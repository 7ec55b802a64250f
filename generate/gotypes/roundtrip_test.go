package gotypes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/generate/gotypes"
	"github.com/lukko-dev/lukko/schema"
)

// trip is a document on its way through a Go type.
type trip struct {
	ID     string
	Doc    string
	Stored string // what is stored when what was read is written again
	Err    string
}

// main reads each document into the Go type of its declaration, and writes
// that into another store. The test appends a line for each declaration.
const main = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/schema"
)

type trip struct{ ID, Doc, Stored, Err string }

var decls = map[string]func(*trip) error{}

func register[T any](d *schema.Declaration[T]) bool {
	decls[d.Meta().ID] = func(t *trip) error {
		ctx := context.Background()
		from, to := memory.New(memory.Config{}), memory.New(memory.Config{})
		if _, err := from.Set(ctx, t.ID, core.String(t.Doc)); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		v, err := d.Get(ctx, from)
		if err != nil {
			return fmt.Errorf("get: %w", err)
		}
		if err := d.Set(ctx, to, v); err != nil {
			return fmt.Errorf("set: %w", err)
		}
		stored, err := to.Get(ctx, t.ID)
		t.Stored = stored.Value.Reveal()
		return err
	}
	return true
}

func main() {
	var trips []*trip
	if err := json.NewDecoder(os.Stdin).Decode(&trips); err != nil {
		panic(err)
	}
	if err := schema.Default.Check(); err != nil {
		panic(err)
	}
	for _, t := range trips {
		if err := decls[t.ID](t); err != nil {
			t.Err = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(trips); err != nil {
		panic(err)
	}
}

var _ = []bool{
`

// What schema accepts becomes Go that compiles, and a valid document goes
// through the Go type without a loss.
func TestValidDocumentsGoThroughTheGoTypesWithoutALoss(t *testing.T) {
	t.Parallel()
	schemas, seed := 100, uint64(1)
	if os.Getenv("LUKKO_TRIAL") == "1" {
		schemas, seed = 1_500, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	metas, trips, wanted := chosen(t)
	samples, valid := 0, 0
	for i := range schemas {
		invented, doc := invent(r)
		raw, err := json.Marshal(invented)
		if err != nil {
			t.Fatal(err)
		}
		spec := schema.Spec{ID: "CASE_" + strconv.Itoa(i), Name: "case." + strconv.Itoa(i), Schema: raw, Description: "a */ b"}
		d := schema.DeclareIn[any](new(schema.Set), spec)
		if err := d.Check(); err != nil {
			if strings.Contains(err.Error(), "refers to itself without end") || strings.Contains(err.Error(), "default") {
				continue
			}
			t.Fatalf("an invented schema is refused: %v\n%s", err, raw)
		}
		metas = append(metas, schema.Meta{Spec: spec, Variable: i%3 == 0})
		for range 8 {
			v, ok := doc(6)
			if !ok {
				continue
			}
			samples++
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			store := memory.New(memory.Config{})
			if _, err := store.Set(t.Context(), spec.ID, core.Bytes(text)); err != nil {
				t.Fatal(err)
			}
			want, err := d.Get(t.Context(), store)
			if err != nil {
				continue
			}
			valid++
			trips = append(trips, trip{ID: spec.ID, Doc: string(text)})
			wanted = append(wanted, want)
		}
	}
	t.Logf("%d schemas, %d documents, %d of them valid", len(metas), samples, valid)
	if len(metas) < schemas*9/10+len(chosenCases) || valid < samples*8/10 {
		t.Error("too few of what was invented is valid for this to say much")
	}
	source, err := gotypes.Source("declarations", metas)
	if err != nil {
		t.Fatal(err)
	}
	checkSource(t, source)
	emptied := 0
	for i, trip := range run(t, source, trips) {
		if strings.HasPrefix(trip.Err, "set: ") && !withoutEmpty(metas, trip) {
			emptied++
			continue
		}
		if trip.Err != "" {
			t.Errorf("%s\nschema   %s\ndocument %s\n%s", trip.Err, schemaOf(metas, trip.ID), trip.Doc, typesOf(source, trip.ID))
			continue
		}
		got := decoded(t, trip.Stored)
		if where := loss(wanted[i], got, ""); where != "" {
			t.Errorf("%s is lost or changed\nschema   %s\ndocument %s\nstored   %s\n%s",
				where, schemaOf(metas, trip.ID), trip.Doc, trip.Stored, typesOf(source, trip.ID))
		}
	}
	if emptied > valid/20 {
		t.Errorf("%d of %d documents hold an empty member that one form requires", emptied, valid)
	}
}

// withoutEmpty reports whether a document is valid without its members that
// are null or an empty text. Where it is not, Set refuses what has lost them.
func withoutEmpty(metas []schema.Meta, one trip) bool {
	var strip func(v any) any
	strip = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			left := map[string]any{}
			for name, child := range v {
				if child != nil && child != "" {
					left[name] = strip(child)
				}
			}
			return left
		case []any:
			left := make([]any, len(v))
			for i, child := range v {
				left[i] = strip(child)
			}
			return left
		}
		return v
	}
	dec := json.NewDecoder(strings.NewReader(one.Doc))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return true
	}
	text, err := json.Marshal(strip(v))
	if err != nil {
		return true
	}
	for _, m := range metas {
		if m.ID == one.ID {
			return schema.DeclareIn[any](new(schema.Set), m.Spec).Validate(core.Bytes(text)) == nil
		}
	}
	return true
}

func schemaOf(metas []schema.Meta, id string) string {
	for _, m := range metas {
		if m.ID == id {
			return string(m.Schema)
		}
	}
	return ""
}

// typesOf returns the part of a file that is about one declaration.
func typesOf(source []byte, id string) string {
	var about []string
	for part := range strings.SplitSeq(string(source), "\n// Case") {
		if strings.Contains(part, " "+id+" ") || strings.Contains(part, " "+id+".") {
			about = append(about, part)
		}
	}
	return strings.Join(about, "\n")
}

// run compiles a file as a program, and lets it handle the documents.
func run(t *testing.T, source []byte, trips []trip) (done []trip) {
	t.Helper()
	dir := t.TempDir()
	program := strings.Builder{}
	program.WriteString(main)
	for line := range strings.Lines(string(source)) {
		if rest, ok := strings.CutPrefix(line, "var "); ok {
			name, _, _ := strings.Cut(rest, " ")
			fmt.Fprintf(&program, "\tregister(%s),\n", name)
		}
	}
	program.WriteString("}\n")
	source = bytes.Replace(source, []byte("package declarations\n"), []byte("package main\n"), 1)
	for name, content := range map[string][]byte{"main.go": []byte(program.String()), "declarations.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exe := filepath.Join(dir, "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-p", "1", "-o", exe, filepath.Join(dir, "main.go"), filepath.Join(dir, "declarations.go"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, out)
	}
	in, err := json.Marshal(trips)
	if err != nil {
		t.Fatal(err)
	}
	program2 := exec.CommandContext(t.Context(), exe)
	program2.Stdin = bytes.NewReader(in)
	var out, complaints bytes.Buffer
	program2.Stdout, program2.Stderr = &out, &complaints
	if err := program2.Run(); err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	if err := json.Unmarshal(out.Bytes(), &done); err != nil || len(done) != len(trips) {
		t.Fatalf("%d documents of %d came back: %v", len(done), len(trips), err)
	}
	return done
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// loss says where got is not want; empty if nowhere. Of a member that is not
// required, null and an empty text are as good as none.
func loss(want, got any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return at + "/"
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				return at + "/" + name
			}
		}
		for name, v := range want {
			w, ok := got[name]
			if !ok && (v == nil || v == "") {
				continue
			}
			if where := loss(v, w, at+"/"+name); !ok || where != "" {
				return at + "/" + name + where
			}
		}
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return at + "/"
		}
		for i, v := range want {
			if where := loss(v, got[i], at+"/"+strconv.Itoa(i)); where != "" {
				return where
			}
		}
	case json.Number:
		got, ok := got.(json.Number)
		if !ok {
			return at + "/"
		}
		a, isA := new(big.Rat).SetString(string(want))
		b, isB := new(big.Rat).SetString(string(got))
		if !isA || !isB || a.Cmp(b) != 0 {
			return at + "/"
		}
	default:
		if want != got {
			return at + "/"
		}
	}
	return ""
}
