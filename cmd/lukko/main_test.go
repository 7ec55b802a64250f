package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/providers/file"
)

// The command runs as a process, with a few more schemes than it has: stores
// that fail as real ones do.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"lukko": func() {
			a := newApp()
			a.more = testSchemes()
			os.Exit(execute(os.Args[1:], a))
		},
		"testbrowser": testBrowser,
	})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scripts("testdata"))
}

// scripts are those of a folder, each with a home of its own.
func scripts(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			server := newAuthServer()
			env.Defer(server.Close)
			env.Values[serverKey{}] = server
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else the race detector has each command wait a second at its end
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "home", "config"))
			// The search for lukko.yaml ends here.
			return os.Mkdir(filepath.Join(env.WorkDir, ".git"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":       exits,
			"mode":        mode,
			"lines":       lineCount,
			"tree":        tree,
			"holds":       holds,
			"setold":      setOld,
			"plain":       plain,
			"lock":        lock,
			"unhex":       unhex,
			"repeat":      repeat,
			"versions":    versionsOf,
			"auth":        auth,
			"await":       await,
			"expand":      expand,
			"noleak":      noLeak,
			"newidentity": newIdentity,
		},
	}
}

// exits runs a command and wants this exit code: exits 2 lukko get X.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	// Nothing that a provider gave is ever shown, nor on a command line.
	shown := strings.Join(args, " ") + ts.ReadFile("stdout") + ts.ReadFile("stderr")
	if kind := serverOf(ts).leaks(shown); kind != "" {
		ts.Fatalf("the command shows a secret: %s", kind)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// mode wants this mode of a file: mode 600 FILE.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode MODE FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// holds wants a file to hold exactly these bytes, written as a Go string:
// holds stdout 'a\x00b\n'.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: holds FILE TEXT")
	}
	want, err := strconv.Unquote(`"` + strings.ReplaceAll(args[1], `"`, `\"`) + `"`)
	ts.Check(err)
	if got := ts.ReadFile(args[0]); got != want {
		ts.Fatalf("%s holds %q, want %q", args[0], got, want)
	}
}

// unhex writes a file of bytes: unhex 00ff FILE.
func unhex(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unhex HEX FILE")
	}
	data, err := hex.DecodeString(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// repeat writes a file of so many letters: repeat 65536 FILE.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: repeat COUNT FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), bytes.Repeat([]byte("x"), n), 0o600))
}

// versionsOf sets variables to the versions that versions --json has printed,
// the newest first: versions stdout NEW OLD.
func versionsOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: versions FILE NAME...")
	}
	var rows []versionRow
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &rows))
	names := args[1:]
	if len(rows) < len(names) {
		ts.Fatalf("%d versions, want %d", len(rows), len(names))
	}
	for i, name := range names {
		ts.Setenv(name, rows[i].Version)
	}
}

// newIdentity makes an identity and sets a variable to its recipient:
// newidentity FILE NAME.
func newIdentity(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: newidentity FILE NAME")
	}
	r, err := file.CreateIdentity(ts.MkAbs(args[0]), file.IdentityOptions{})
	ts.Check(err)
	ts.Setenv(args[1], r.Key)
}

// plain encrypts a file as age does it, without Lukko: plain FILE AGE-FILE RECIPIENT.
func plain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: plain FILE AGE-FILE RECIPIENT")
	}
	to, err := age.ParseX25519Recipient(args[2])
	ts.Check(err)
	encrypt(ts, args[0], args[1], to)
}

// encrypt encrypts a file with age.
func encrypt(ts *testscript.TestScript, from, name string, to age.Recipient) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	ts.Check(err)
	_, err = w.Write([]byte(ts.ReadFile(from)))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(name), out.Bytes(), 0o600))
}

// lock puts a file under a passphrase, with little work for it:
// lock FILE LOCKED PASSPHRASE.
func lock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: lock FILE LOCKED PASSPHRASE")
	}
	to, err := age.NewScryptRecipient(args[2])
	ts.Check(err)
	to.SetWorkFactor(10)
	encrypt(ts, args[0], args[1], to)
}

// setOld stores a value as of some time ago: setold FOLDER ID AGE.
func setOld(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: setold FOLDER ID AGE")
	}
	age, err := time.ParseDuration(args[2])
	ts.Check(err)
	store, err := file.New(file.Config{
		Dir:       ts.MkAbs(args[0]),
		LookupEnv: func(name string) (string, bool) { v := ts.Getenv(name); return v, v != "" },
		Clock:     func() time.Time { return time.Now().Add(-age) },
	})
	ts.Check(err)
	defer store.Close()
	_, err = store.Set(context.Background(), args[1], core.String("an old value"))
	ts.Check(err)
}

// lineCount wants at most so many lines: lines 3 stderr.
func lineCount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines MOST FILE")
	}
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	for _, c := range ts.ReadFile(args[1]) {
		if c == '\n' {
			got++
		}
	}
	if got > most || got == 0 {
		ts.Fatalf("%s has %d lines, want 1 to %d", args[1], got, most)
	}
}

// tree writes the names, sizes and times of all files below a folder, but not
// of .git, to a file, so that cmp tells whether anything has changed:
// tree FOLDER FILE.
func tree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tree FOLDER FILE")
	}
	text := ""
	ts.Check(filepath.Walk(ts.MkAbs(args[0]), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.Name() == ".git" {
			return filepath.SkipDir
		}
		text += path + " " + info.Mode().String()
		if !info.IsDir() {
			text += " " + strconv.FormatInt(info.Size(), 10) + " " + info.ModTime().Format(time.RFC3339Nano)
		}
		text += "\n"
		return nil
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

func testSchemes() core.Schemes {
	open := func(b core.Backend) core.Opener {
		return func(_ context.Context, u *url.URL) (*core.Store, error) { return core.New(u.Scheme, b), nil }
	}
	return core.Schemes{
		"memory": func(context.Context, *url.URL) (*core.Store, error) { return memory.New(memory.Config{}).Store, nil },
		"denied": open(failing{core.ErrPermissionDenied}),
		"down":   open(failing{core.ErrUnavailable}),
		"rotten": open(failing{core.ErrCorrupt}),
		"shut": func(context.Context, *url.URL) (*core.Store, error) {
			return nil, &core.Error{Kind: core.ErrUnavailable, Hint: "nobody answers"}
		},
		"ageless": open(ageless{}),
		"plain":   open(unconditional{}),
		"loose":   openLoose,
		"lasting": openLasting,
		"hostile": open(hostile{}),
		"hanging": open(hanging{}),
		"trims":   open(&trims{memory.New(memory.Config{})}),
	}
}

// failing fails every read in one way.
type failing struct{ kind error }

func (f failing) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, &core.Error{Kind: f.kind, Code: "E42"}
}

// ageless has every id, and tells no time.
type ageless struct{}

func (ageless) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{Value: core.String("a value")}, nil
}

// unconditional is empty, and takes what is set without a condition.
type unconditional struct{}

func (unconditional) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, core.ErrNotFound
}

func (unconditional) Set(context.Context, string, core.Value, core.SetOptions) (core.Info, error) {
	return core.Info{}, nil
}

// hostile has text that would rewrite a terminal.
type hostile struct{ ageless }

func (hostile) List(context.Context, string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		_ = yield(core.Info{ID: "EVIL", Version: "1\x1b[2J\r\u202e", Source: "a\x07\nb"}, nil) &&
			yield(core.Info{}, &core.BatchError{ByID: map[string]error{"HIDDEN": core.ErrPermissionDenied}})
	}
}

func (hostile) Versions(context.Context, string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		yield(core.Info{Version: "1\x1b[2J\r", Source: "a\x07\nb"}, nil)
	}
}

// hanging answers nothing until its caller has had enough.
type hanging struct{}

func (hanging) Get(ctx context.Context, _ string, _ core.GetOptions) (core.Secret, error) {
	<-ctx.Done()
	return core.Secret{}, ctx.Err()
}

// trims is a backend with a fault that the conformance suite finds.
type trims struct{ *memory.Store }

func (b *trims) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	s, err := b.Store.Get(ctx, id, o.Options()...)
	if text := s.Value.Reveal(); len(text) > 1 && text[len(text)-1] == '\n' {
		s.Value = core.String(text[:len(text)-1])
	}
	return s, err
}

func (b *trims) Set(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
	return b.Store.Set(ctx, id, v, o.Options()...)
}

func (b *trims) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	return b.Store.Delete(ctx, id, o.Options()...)
}
