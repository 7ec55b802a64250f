//go:build unix

package oauthtest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/internal/oauthtest"
	lukko "github.com/lukko-dev/lukko/oauth2"
)

// mortal is a process that may end before it is told to.
type mortal struct {
	cmd  *exec.Cmd
	in   *json.Encoder
	out  *json.Decoder
	tape *output
	stop func()
}

// launch starts one, which ends with t.
func launch(t *testing.T, work task) *mortal {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	m := &mortal{cmd: exec.Command(self), tape: &output{}}
	m.cmd.Env = []string{victimEnv + "=1", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "TMPDIR=" + home}
	in, err := m.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.cmd.Stderr = m.tape
	m.in, m.out = json.NewEncoder(in), json.NewDecoder(io.TeeReader(out, m.tape))
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.stop = sync.OnceFunc(func() {
		_ = in.Close()
		late := time.AfterFunc(time.Minute, func() { _ = m.cmd.Process.Kill() })
		defer late.Stop()
		_, _ = io.Copy(m.tape, out)
		err := m.cmd.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
			return // as it was to end
		}
		if err != nil {
			t.Errorf("a process ends with %v: %s", err, m.tape.bytes())
		}
	})
	t.Cleanup(m.stop)
	if err := m.in.Encode(work); err != nil {
		t.Fatal(err)
	}
	return m
}

// run gives an order and waits for what comes of it; false if the process has
// ended.
func (m *mortal) run(o order) (result, bool) {
	var r result
	err := m.in.Encode(o)
	if err == nil {
		err = m.out.Decode(&r)
	}
	return r, err == nil
}

// Processes of one account over the file store end at every point of a refresh,
// lose answers, and are stopped past their claim; their clocks differ by up to two
// minutes. What the server revokes is what was lost after it had answered, and all
// else is one refresh for each end of an access token.
func TestTheEquationHoldsForProcessesThatAreKilled(t *testing.T) {
	t.Parallel()
	const speed = 8 // a claim of a minute is over after 7.5 s
	srv := start(t)
	srv.SetAccessTTL(1000 * time.Hour)
	a := newAccount(t, srv, oauthtest.Client{})
	store, j, _, _ := inFiles(t)
	a.service = store
	a.setApp(a.app.Secret, "", "")
	a.seed()
	j.Goroutines, j.API, j.Settings = 5, srv.API, a.cfg.Settings
	work := task{job: j, Speed: speed, Since: time.Now().UnixNano()}

	var others []*mortal
	for i := range 7 {
		w := work
		w.Ahead = time.Duration(i-3) * 40 * time.Second // from two minutes behind to two minutes ahead
		others = append(others, launch(t, w))
	}
	// all has the others make requests at one time.
	all := func(o order) result {
		sum := result{Other: map[string]int{}, Events: map[lukko.EventKind]int{}}
		var mu sync.Mutex
		var done sync.WaitGroup
		for _, m := range others {
			done.Go(func() {
				r, alive := m.run(o)
				mu.Lock()
				defer mu.Unlock()
				if !alive {
					sum.Other["a process is gone: "+string(m.tape.bytes())]++
				}
				for said, n := range r.Other {
					sum.Other[said] += n
				}
				for kind, n := range r.Events {
					sum.Events[kind] += n
				}
			})
		}
		done.Wait()
		return sum
	}
	everyone := len(others) * j.Goroutines
	if r := all(order{}); r.Other["200"] != everyone {
		t.Fatalf("before the first end: %v", r.Other)
	}

	want := oauthtest.Counts{Codes: 1}
	lost := 0
	var taped []*mortal
	points := []string{"", afterStore, afterClaim, "", afterAnswer, stopped, dropped}
	for round := range long(len(points), 6*len(points)) {
		point := points[round%len(points)]
		name := fmt.Sprintf("round %d, %q", round, point)
		version, refresh := a.stored()
		srv.ExpireAccessTokens()
		want.Refreshes++

		var v *mortal
		if point != "" {
			w := work
			w.Point = point
			v = launch(t, w)
			taped = append(taped, v)
			r, alive := v.run(order{})
			switch point {
			case stopped:
				if !alive {
					t.Fatalf("%s: it is gone: %s", name, v.tape.bytes())
				}
			case dropped:
				// It is told the 401, as nobody knows what became of its request.
				if !alive || r.Other["401"] == 0 {
					t.Fatalf("%s: %v", name, r.Other)
				}
			default:
				if alive {
					t.Fatalf("%s: it lives: %v", name, r.Other)
				}
			}
		}
		r := all(order{})
		switch point {
		case afterAnswer, dropped:
			lost++
			want.Reuses++
			want.Revocations++
			if r.Other["reauthorize"] != everyone {
				t.Errorf("%s: the others got %v; events %v", name, r.Other, r.Events)
			}
			if r.Events[lukko.EventReauthorize] > 1 {
				t.Errorf("%s: %d processes were refused", name, r.Events[lukko.EventReauthorize])
			}
			if again := all(order{}); again.Other["reauthorize"] != everyone || again.Events[lukko.EventReauthorize] != 0 {
				t.Errorf("%s: then they got %v; events %v", name, again.Other, again.Events)
			}
			if v, r := a.stored(); v != version || r != refresh {
				t.Errorf("%s: the stored tokens were changed", name)
			}
		default:
			if r.Other["200"] != everyone {
				t.Errorf("%s: the others got %v; events %v", name, r.Other, r.Events)
			}
			if n := r.Events[lukko.EventTakenOver]; (n == 1) != (point == afterClaim || point == stopped) || n > 1 {
				t.Errorf("%s: %d claims were taken over", name, n)
			}
		}
		if point == stopped {
			if err := v.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			var r result
			if err := v.out.Decode(&r); err != nil || r.Other["200"] != j.Goroutines {
				t.Errorf("%s: it goes on with %v, %v: %s", name, r.Other, err, v.tape.bytes())
			}
		}
		if v != nil {
			v.stop()
		}
		if got := srv.Counts("alice"); got != want {
			t.Fatalf("%s: the server counts %+v, want %+v; events: %v", name, got, want, r.Events)
		}
		if point == afterAnswer || point == dropped {
			a.seed() // connected again
			want.Codes++
			if r := all(order{Requests: 100}); r.Other["200"] != everyone {
				t.Fatalf("%s: connected again, they got %v", name, r.Other)
			}
		}
	}
	t.Logf("%d ends, %d lost answers: %+v", want.Refreshes, lost, srv.Counts("alice"))
	for _, m := range append(others, taped...) {
		if kinds := srv.Leaks(m.tape.bytes()); len(kinds) > 0 {
			t.Errorf("a process has written: %v", kinds)
		}
	}
}
