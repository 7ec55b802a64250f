package leaktest

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"log"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/davecgh/go-spew/spew"
	"github.com/google/go-cmp/cmp"
	"github.com/kr/pretty"
	"github.com/stretchr/testify/assert"
	"go.yaml.in/yaml/v3"

	"github.com/lukko-dev/lukko/core"
)

const canary = "CANARY-sk_live_4eC39HqLyjWDarjtT1"

// traces is what the canary looks like in the encodings that printers use.
// Parts count too, so each is the encoding of a part.
var traces = func() []string {
	part := []byte(canary)[:12]
	var numbers []string
	for _, b := range part {
		numbers = append(numbers, fmt.Sprint(b))
	}
	return []string{
		string(part), canary[12:], strings.ToLower(string(part)),
		hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)),
		spaced(part, "% x"), spaced(part, "% #x"), spaced(part, "% X"), spaced(part, "% #X"), spaced(part, "%#v"),
		base64.StdEncoding.EncodeToString(part),
		strings.Join(numbers, " "), strings.Join(numbers, ","), strings.Join(numbers, ", "),
		fmt.Sprint(len(canary)) + " bytes", "len=" + fmt.Sprint(len(canary)), "(len=" + fmt.Sprint(len(canary)) + ")",
	}
}()

func spaced(b []byte, format string) string {
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf(format, b), "[]byte{"), "}")
}

// Box is a generic type; the others are the ways in which a value sits in
// something else.
type (
	Box[T any]   struct{ In T }
	box[T any]   struct{ in T }
	exported     struct{ V core.Value }
	unexported   struct{ v core.Value }
	byPointer    struct{ v *core.Value }
	inInterface  struct{ v any }
	inSlice      struct{ v []core.Value }
	inArray      struct{ v [1]core.Value }
	inMap        struct{ v map[string]core.Value }
	nested       struct{ v unexported }
	inSecret     struct{ s core.Secret }
	behindSecret struct{ s *core.Secret }
	Tagged       struct {
		V core.Value `json:"v" xml:"v" yaml:"v"`
	}
)

// shapes makes everything anew, so that two of them are equal and not the
// same.
func shapes() map[string]any {
	value := func() core.Value { return core.String(canary) }
	v := value()
	secret := core.Secret{Info: core.Info{ID: "ID"}, Value: value()}
	return map[string]any{
		"a value":                       value(),
		"a pointer":                     &v,
		"a slice":                       []core.Value{value()},
		"an array":                      [1]core.Value{value()},
		"a map":                         map[string]core.Value{"k": value()},
		"a slice of any":                []any{value()},
		"an exported field":             exported{value()},
		"an exported field, pointer":    &exported{value()},
		"a tagged field":                Tagged{value()},
		"an unexported field":           unexported{value()},
		"an unexported field, pointer":  &unexported{value()},
		"an unexported pointer":         byPointer{&v},
		"an unexported interface":       inInterface{value()},
		"an unexported interface's ptr": inInterface{&v},
		"an unexported slice":           inSlice{[]core.Value{value()}},
		"an unexported array":           inArray{[1]core.Value{value()}},
		"an unexported map":             inMap{map[string]core.Value{"k": value()}},
		"an unexported field in one":    nested{unexported{value()}},
		"an exported generic":           Box[core.Value]{value()},
		"an unexported generic":         box[core.Value]{value()},
		"a generic of a pointer":        box[*core.Value]{&v},
		"a secret":                      secret,
		"a pointer to a secret":         &secret,
		"a secret in a field":           inSecret{secret},
		"a secret behind a field":       behindSecret{&secret},
		"a map of secrets":              map[string]core.Secret{"ID": secret},
		"a map of any":                  map[any]any{"k": value()},
		"a channel's item":              func() any { c := make(chan core.Value, 1); c <- value(); return c }(),
		"a func":                        v.Reveal,
	}
}

// fprintf is fmt.Fprintf behind a name that vet does not know, since some
// rows call it wrongly on purpose.
var fprintf = fmt.Fprintf

// path is one way for a value to get out: it prints a and b, which hold equal
// secrets, into w. An error of printing is printed too.
type path struct {
	name  string
	print func(w io.Writer, a, b any)
	// shows is whether a bare Value must come out as [REDACTED], and not only
	// as something else that tells nothing.
	shows bool
}

func paths() []path {
	all := []path{
		{"print", func(w io.Writer, a, _ any) { fmt.Fprint(w, a) }, true},
		{"println", func(w io.Writer, a, _ any) { fmt.Fprintln(w, a) }, true},
		{"errorf", func(w io.Writer, a, _ any) { fmt.Fprint(w, fmt.Errorf("%v", a)) }, true},
		{"a wrong verb", func(w io.Writer, a, _ any) { fprintf(w, "%!", a) }, false},
		{"an argument too many", func(w io.Writer, a, _ any) { fprintf(w, "none", a) }, true},
		{"a width taken from it", func(w io.Writer, a, _ any) { fprintf(w, "%*d", a, 1) }, false},
		{"json", func(w io.Writer, a, _ any) { write(w, json.Marshal, a) }, true},
		{"json, indented", func(w io.Writer, a, _ any) {
			write(w, func(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") }, a)
		}, true},
		{"xml", func(w io.Writer, a, _ any) { write(w, xml.Marshal, a) }, true},
		{"gob", func(w io.Writer, a, _ any) { fmt.Fprint(w, gob.NewEncoder(w).Encode(a)) }, true},
		{"yaml", func(w io.Writer, a, _ any) { recovering(w, func() { write(w, yaml.Marshal, a) }) }, true},
		{"log", func(w io.Writer, a, _ any) { log.New(w, "", 0).Printf("%v %+v", a, a) }, true},
		{"slog, text", func(w io.Writer, a, _ any) { slog.New(slog.NewTextHandler(w, nil)).Info("m", "k", a) }, true},
		{"slog, JSON", func(w io.Writer, a, _ any) { slog.New(slog.NewJSONHandler(w, nil)).Info("m", "k", a) }, true},
		{"slog, a group", func(w io.Writer, a, _ any) {
			slog.New(slog.NewTextHandler(w, nil)).WithGroup("g").With("k", a).Info("m", slog.Group("h", "k", a))
		}, true},
		{"text/template", func(w io.Writer, a, _ any) {
			fmt.Fprint(w, template.Must(template.New("").Parse(`{{.}} {{printf "%#v" .}} {{js .}} {{html .}}`)).Execute(w, a))
		}, true},
		{"html/template", func(w io.Writer, a, _ any) {
			fmt.Fprint(w, htmltemplate.Must(htmltemplate.New("").Parse(`{{.}} <a href="{{.}}"> <script>{{.}}</script>`)).Execute(w, a))
		}, true},
		{"spew", func(w io.Writer, a, _ any) { spew.Fdump(w, a); spew.Fprintf(w, "%#+v", a) }, false},
		{"spew without methods", func(w io.Writer, a, _ any) {
			c := spew.ConfigState{DisableMethods: true, DisablePointerMethods: true, SpewKeys: true}
			c.Fdump(w, a)
			c.Fprintf(w, "%#+v", a)
		}, false},
		{"kr/pretty", func(w io.Writer, a, b any) {
			pretty.Fprintf(w, "%# v", a)
			pretty.Fdiff(w, a, b)
		}, false},
		{"testify's Equal", func(w io.Writer, a, b any) { assert.Equal(failer{w}, a, b) }, false},
		{"testify's NotEqual, Contains, Empty, Nil, Error", func(w io.Writer, a, b any) {
			t := failer{w}
			assert.NotEqual(t, a, a)
			assert.Contains(t, a, b)
			assert.Empty(t, a)
			assert.Nil(t, a)
			assert.Zero(t, a)
			assert.IsType(t, 1, a)
			assert.ElementsMatch(t, []any{a}, []any{b, b})
			assert.Same(t, a, b)
		}, false},
		{"go-cmp with an exporter", func(w io.Writer, a, b any) {
			recovering(w, func() {
				all := cmp.Exporter(func(reflect.Type) bool { return true })
				fmt.Fprint(w, cmp.Diff(a, b, all))
				fmt.Fprint(w, cmp.Diff(a, Box[any]{b}, all))
				fmt.Fprint(w, cmp.Diff([]any{a}, []any{}, all))
			})
		}, false},
		{"a printer that walks by reflection", func(w io.Writer, a, _ any) { walk(w, reflect.ValueOf(a), 0) }, false},
		{"a panic that is recovered", func(w io.Writer, a, _ any) { recovering(w, func() { panic(a) }) }, true},
		{"errors.Join", func(w io.Writer, a, _ any) {
			fmt.Fprint(w, errors.Join(fmt.Errorf("%+v", a), fmt.Errorf("%#v", a)))
		}, true},
	}
	// fmt with every verb, known or not, under every flag.
	for _, flags := range []string{"", "+", "-", "#", " ", "0", "20", ".3", "+#", "# ", "+20.3", "[1]"} {
		for verb := rune('A'); verb <= 'z'; verb++ {
			format := "%" + flags + string(verb)
			switch {
			case verb > 'Z' && verb < 'a':
				continue
			case verb == 'T' || verb == 'p' || verb == 'w':
				// fmt asks no method for these: a type, an address, a bad verb.
				all = append(all, path{format, func(w io.Writer, a, _ any) { fmt.Fprintf(w, format, a) }, false})
			default:
				all = append(all, path{format, func(w io.Writer, a, _ any) { fmt.Fprintf(w, format, a) }, true})
			}
		}
	}
	return all
}

func TestNothingThatPrintsFollowsAValue(t *testing.T) {
	t.Parallel()
	as, bs := shapes(), shapes()
	for _, path := range paths() {
		t.Run(path.name, func(t *testing.T) {
			t.Parallel()
			for name, a := range as {
				var out bytes.Buffer
				path.print(&out, a, bs[name])
				if leaks(out.String()) {
					t.Errorf("%s shows the content of %s, in %d bytes of output", path.name, name, out.Len())
				}
			}
			var out bytes.Buffer
			path.print(&out, core.String(canary), core.String(canary))
			if path.shows && !strings.Contains(out.String(), "REDACTED") {
				t.Errorf("%s of a value gives %q, want [REDACTED]", path.name, out.String())
			}
		})
	}
}

// The check itself must be able to fail: each path shows a plain string or
// the bytes of one.
func TestTheseChecksFindAPlainSecret(t *testing.T) {
	t.Parallel()
	blind := func(path string) bool { // which show no content of anything, or only three bytes of it
		return path == "a width taken from it" || strings.HasPrefix(path, "%") &&
			(strings.HasSuffix(path, "T") || strings.HasSuffix(path, "p") || strings.Contains(path, ".3"))
	}
	for _, path := range paths() {
		var out bytes.Buffer
		for _, plain := range []any{
			canary, []byte(canary), Box[string]{canary}, &Box[[]byte]{[]byte(canary)}, box[string]{canary},
		} {
			path.print(&out, plain, Box[string]{canary + "x"})
		}
		if !leaks(out.String()) && !blind(path.name) {
			t.Errorf("%s would hide even a plain string", path.name)
		}
	}
}

func leaks(out string) bool {
	for _, trace := range traces {
		if strings.Contains(out, trace) {
			return true
		}
	}
	return false
}

func write(w io.Writer, marshal func(any) ([]byte, error), v any) {
	data, err := marshal(v)
	fmt.Fprintf(w, "%s %v", data, err)
}

func recovering(w io.Writer, f func()) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(w, "%v %+v", r, r)
		}
	}()
	f()
}

// failer takes what an assertion prints.
type failer struct{ w io.Writer }

func (f failer) Errorf(format string, args ...any) { fmt.Fprintf(f.w, format, args...) }

// walk prints all that reflection can reach, unexported fields included.
func walk(w io.Writer, v reflect.Value, depth int) {
	if depth > 10 || !v.IsValid() {
		return
	}
	fmt.Fprintf(w, "%s ", v.Type())
	switch v.Kind() {
	case reflect.String:
		fmt.Fprintf(w, "%q ", v.String())
	case reflect.Uint8:
		fmt.Fprintf(w, "%d ", v.Uint())
	case reflect.Pointer, reflect.Interface:
		walk(w, v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			walk(w, v.Field(i), depth+1)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			for i := range v.Len() {
				fmt.Fprintf(w, "%c", rune(v.Index(i).Uint()))
			}
			return
		}
		for i := range v.Len() {
			walk(w, v.Index(i), depth+1)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walk(w, key, depth+1)
			walk(w, v.MapIndex(key), depth+1)
		}
	}
}
