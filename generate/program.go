package generate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/schema"
)

// programDir is the folder of the program, below that of the output, where it
// may import what the output may. It is in the overlay only.
const programDir = "lukko_generate_program"

// accessorFile gives the program the output package's own variables. It is in
// the overlay only.
const accessorFile = "lukko_generate_variables.go"

// answerVariable names the file that the program writes its answer to: what
// packages print while they are initialized must not get between.
const answerVariable = "LUKKO_GENERATE_ANSWER"

// answer is what the program tells.
type answer struct {
	Declared []toldVariable
	Strays   []stray
}

// toldVariable is what a variable holds: a secret or a variable with Meta, and
// else a credential.
type toldVariable struct {
	Nil        bool
	Same       int // the first variable of the same declaration, which may be this one
	Meta       schema.Meta
	Credential credentials.Meta
	Secrets    []schema.Meta // those that the credential is kept in
	Wrong      []string
}

// stray is a declaration that no variable holds.
type stray struct {
	Name, Place string
	Credential  bool
}

// programText is the program but for its imports and the variables.
const programText = `
type toldVariable struct {
	Nil        bool
	Same       int
	Meta       schema.Meta
	Credential any ` + "`json:\",omitempty\"`" + `
	Secrets    []schema.Meta ` + "`json:\",omitempty\"`" + `
	Wrong      []string
}

type stray struct {
	Name, Place string
	Credential  bool
}

func main() {
	var answer struct {
		Declared []toldVariable
		Strays   []stray
	}
	seen := map[any]int{}
	for i, d := range variables() {
		told := toldVariable{Same: i}
		if reflect.ValueOf(d).IsNil() {
			told.Nil = true
		} else if same, ok := seen[d]; ok {
			told.Same = same
		} else {
			seen[d] = i
			tell(d, &told)
		}
		answer.Declared = append(answer.Declared, told)
	}
	for d := range schema.Default.All() {
		if _, ok := seen[d]; !ok && !ofCredential(d) {
			m := d.Meta()
			answer.Strays = append(answer.Strays, stray{Name: m.Name, Place: m.Place})
		}
	}
	answer.Strays = append(answer.Strays, strayCredentials(seen)...)
	text, err := json.Marshal(answer)
	if err != nil || os.WriteFile(os.Getenv("` + answerVariable + `"), text, 0o600) != nil {
		os.Exit(1)
	}
}

func tell(d any, told *toldVariable) {
	if d, ok := d.(schema.Declared); ok {
		told.Meta, told.Wrong = d.Meta(), wrong(d.Check())
		return
	}
	tellCredential(d, told)
}

func wrong(err error) (all []string) {
	var e *schema.Error
	if errors.As(err, &e) {
		for _, p := range e.Problems {
			all = append(all, p.Detail)
		}
	}
	return all
}
`

// withoutCredentials and withCredentials are the rest of the program: a module
// that declares no credential need not have their package.
const withoutCredentials = `
func tellCredential(any, *toldVariable) {}

func ofCredential(schema.Declared) bool { return false }

func strayCredentials(map[any]int) []stray { return nil }
`

const withCredentials = `
func tellCredential(d any, told *toldVariable) {
	c := d.(credentials.Declared)
	told.Credential, told.Wrong = c.Meta(), wrong(c.Check())
	for s := range schema.Default.All() {
		if keeps(c.Meta(), s.Meta()) {
			told.Secrets = append(told.Secrets, s.Meta())
		}
	}
}

// keeps reports whether a secret was declared with a credential, which is kept in it.
func keeps(c credentials.Meta, s schema.Meta) bool {
	if s.Place != c.Place {
		return false
	}
	if c.OAuth2 == nil {
		return !c.PerUser && s.Name == c.Name && s.ID == c.SecretID
	}
	return s.Name == c.Name+".app" && s.ID == c.SecretID || !c.PerUser && s.Name == c.Name+".tokens" && s.ID == c.TokenSecretID
}

func ofCredential(d schema.Declared) bool {
	for c := range credentials.Default.All() {
		if keeps(c.Meta(), d.Meta()) {
			return true
		}
	}
	return false
}

func strayCredentials(seen map[any]int) (all []stray) {
	for c := range credentials.Default.All() {
		if _, ok := seen[c]; !ok {
			m := c.Meta()
			all = append(all, stray{m.Name, m.Place, true})
		}
	}
	return all
}
`

// ask builds and runs the program, and returns what it told of the variables.
func (r *run) ask(ctx context.Context, found []*variable) (*answer, error) {
	dir, err := r.scratch()
	if err != nil {
		return nil, err
	}
	program, err := r.build(ctx, dir, found)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "answer.json")
	if err := r.runProgram(ctx, program, file); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, problem("the packages that declare end the program while they are initialized", "an init function, or the value of a variable, calls os.Exit: move that to main")
	}
	// What this version does not know, it would leave out.
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var told answer
	if err := dec.Decode(&told); err != nil || len(told.Declared) != len(found) {
		return nil, problem("the module's version of Lukko is not that of this command", "update the older of the two: see lukko version, and go list -m "+schemaPath)
	}
	for i := range told.Declared {
		d := &told.Declared[i]
		noSchema(&d.Meta.Schema)
		noSchema(&d.Credential.Schema)
		for j := range d.Secrets {
			noSchema(&d.Secrets[j].Schema)
		}
	}
	return &told, nil
}

// noSchema makes nothing of a schema that was told as null, which it was.
func noSchema(schema *json.RawMessage) {
	if string(*schema) == "null" {
		*schema = nil
	}
}

func (r *run) build(ctx context.Context, dir string, found []*variable) (program string, err error) {
	virtual := map[string]string{
		filepath.Join(r.out.dir, programDir, "main.go"): r.mainSource(found),
	}
	if source := r.accessorSource(found); source != "" {
		virtual[filepath.Join(r.out.dir, accessorFile)] = source
	}
	overlay := map[string]string{}
	for name, source := range virtual {
		text, err := format.Source([]byte(source))
		if err != nil {
			return "", problem("the program that asks the declarations can't be written", "this is a mistake of lukko generate: please report it")
		}
		real := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(real, text, 0o600); err != nil {
			return "", problem("the temporary folder can't be written to", "see whether the disk is full")
		}
		overlay[name] = real
	}
	flags, err := r.buildFlags(overlay)
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "program")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	// Without symbols it links faster. The stamp of the version control would cost
	// a call of git.
	args := slices.Concat([]string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", program}, flags, []string{filepath.Join(r.out.dir, programDir)})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = r.dir, r.Env
	cmd.WaitDelay = 5 * time.Second
	if printed, err := cmd.CombinedOutput(); err != nil {
		return "", r.goFailed(string(printed), "the program that asks the declarations can't be built")
	}
	return program, nil
}

// mainSource is the program's main package.
func (r *run) mainSource(found []*variable) string {
	var b, list strings.Builder
	b.WriteString("package main\n\nimport (\n\t\"encoding/json\"\n\t\"errors\"\n\t\"os\"\n\t\"reflect\"\n\n")
	rest := withoutCredentials
	if r.credentials {
		rest = withCredentials
		fmt.Fprintf(&b, "\t%q\n", credentialsPath)
	}
	fmt.Fprintf(&b, "\t%q\n", schemaPath)
	names := map[string]string{}
	for i, p := range r.asking {
		name := "p" + strconv.Itoa(i)
		names[p.PkgPath] = name
		used := slices.ContainsFunc(found, func(v *variable) bool { return v.pkg == p })
		if !used {
			name = "_"
		}
		fmt.Fprintf(&b, "\t%s %q\n", name, p.PkgPath)
	}
	b.WriteString(")\n\n")
	for i, v := range found {
		if v.exported() {
			fmt.Fprintf(&list, "\t\t%s.%s,\n", names[v.pkg.PkgPath], v.name)
		} else {
			fmt.Fprintf(&list, "\t\t%s.LukkoGenerateVariables()[%d],\n", names[v.pkg.PkgPath], i)
		}
	}
	fmt.Fprintf(&b, "func variables() []any {\n\treturn []any{\n%s\t}\n}\n", list.String())
	b.WriteString(programText + rest)
	return b.String()
}

// accessorSource hands out the output package's variables that are not
// exported; it is empty if there are none.
func (r *run) accessorSource(found []*variable) string {
	var list strings.Builder
	for i, v := range found {
		if !v.exported() {
			fmt.Fprintf(&list, "\t\t%d: %s,\n", i, v.name)
		}
	}
	if list.Len() == 0 {
		return ""
	}
	return fmt.Sprintf(`package %s

func LukkoGenerateVariables() map[int]any {
	return map[int]any{
%s	}
}
`, r.out.name, list.String())
}

// runProgram runs the program, which answers in a file. What it prints is read
// for places in the sources, and dropped.
func (r *run) runProgram(ctx context.Context, program, file string) error {
	limited, cancel := context.WithTimeout(ctx, r.Limit)
	defer cancel()
	printed := &tail{}
	cmd := exec.CommandContext(limited, program)
	cmd.Dir = r.dir
	cmd.Env = append(r.Env[:len(r.Env):len(r.Env)], answerVariable+"="+file)
	cmd.Stdout, cmd.Stderr = io.Discard, printed
	cmd.Cancel = func() error { return stop(cmd.Process) }
	cmd.WaitDelay = 3 * time.Second
	err := cmd.Run()
	if err == nil || ctx.Err() != nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	at := r.placeOfFailure(printed.String())
	if limited.Err() != nil {
		at.What = fmt.Sprintf("the packages that declare are not initialized within %v", r.Limit)
		at.Do = "an init function, or the value of a variable, waits for something: move that to main"
		return problems([]Problem{at})
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return problem("the program that asks the declarations can't be run on this machine", "GOOS, GOARCH and GOFLAGS must be those of this machine while lukko generate runs")
	}
	at.What = "the packages that declare fail while they are initialized: " + exit.String()
	if strings.Contains(printed.String(), "\ngoroutine ") {
		at.What = "the packages that declare panic while they are initialized"
	}
	at.Do = "what was printed is not shown, as it may hold values: run a program of yours that imports them to see it"
	return problems([]Problem{at})
}

// placeOfFailure finds the innermost place in the sources that declare of a
// panic. Nothing else of what was printed is told.
func (r *run) placeOfFailure(printed string) Problem {
	_, trace, _ := strings.Cut("\n"+printed, "\ngoroutine ")
	for line := range strings.Lines(trace) {
		file, rest, ok := strings.Cut(strings.TrimSpace(line), ".go:")
		file, known := r.watched.files[file+".go"]
		if !ok || !known {
			continue
		}
		digits, _, _ := strings.Cut(rest, " ")
		if n, err := strconv.Atoi(digits); err == nil {
			return Problem{File: r.rel(file), Line: n}
		}
	}
	return Problem{}
}

// tail keeps the last of what is written, where a panic says where it was.
type tail struct{ bytes.Buffer }

const tailSize = 1 << 20

func (t *tail) Write(p []byte) (int, error) {
	t.Buffer.Write(p[max(0, len(p)-tailSize):])
	if t.Len() > 2*tailSize {
		t.Next(t.Len() - tailSize)
	}
	return len(p), nil
}
