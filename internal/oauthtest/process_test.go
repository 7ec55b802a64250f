package oauthtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/oauthtest"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	lukko "github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/providers/vault"
)

const (
	processes  = 8
	goroutines = 125 // of each process: 1,000 in all
)

// A process is one worker.
type process struct {
	in   *json.Encoder
	out  *json.Decoder
	tape *output // all that it has written
}

// workers starts processes with a job, which end with t. Each has nothing of this
// process's environment but env.
func workers(t *testing.T, j job, env map[string]string) []*process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var all []*process
	for range processes {
		p := &process{tape: &output{}}
		cmd := exec.Command(self)
		home := t.TempDir()
		cmd.Env = []string{workerEnv + "=1", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "TMPDIR=" + home}
		for name, value := range env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = p.tape
		p.in, p.out = json.NewEncoder(in), json.NewDecoder(io.TeeReader(out, p.tape))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = in.Close()
			late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			_, _ = io.Copy(p.tape, out)
			if err := cmd.Wait(); err != nil {
				t.Errorf("a process ends with %v: %s", err, p.tape.bytes())
			}
		})
		if err := p.in.Encode(j); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// round has all goroutines of all processes make a request at one time, and adds up what
// came of it.
func round(t *testing.T, all []*process, o order) result {
	t.Helper()
	sum := result{Other: map[string]int{}, Events: map[lukko.EventKind]int{}}
	var mu sync.Mutex
	var done sync.WaitGroup
	for _, p := range all {
		done.Go(func() {
			var r result
			err := p.in.Encode(o)
			if err == nil {
				err = p.out.Decode(&r)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				sum.Other[fmt.Sprintf("a process is gone: %s", p.tape.bytes())]++
			}
			sum.OK += r.OK
			for what, n := range r.Other {
				sum.Other[what] += n
			}
			for what, n := range r.Events {
				sum.Events[what] += n
			}
		})
	}
	done.Wait()
	return sum
}

// A thousand goroutines in eight processes use one account whose access token ends
// again and again. The server counts one refresh for each end, and no reuse; nobody gets
// an error, and no process writes a secret anywhere.
func TestEachExpiryIsRefreshedOnceByEightProcesses(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (core.SecretService, job, map[string]string, func()){
		"file": inFiles, "vault": inVault, "aws": inAWS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expiries := long(12, 200)
			srv := start(t)
			a := newAccount(t, srv, oauthtest.Client{})
			store, j, env, later := open(t)
			a.service = store
			a.setApp(a.app.Secret, "", "")
			a.seed()
			later() // the processes find what was written
			j.Goroutines, j.API, j.Settings = goroutines, srv.API, a.cfg.Settings
			all := workers(t, j, env)

			began := time.Now()
			want := oauthtest.Counts{Codes: 1}
			for i := range expiries {
				o := order{Requests: 100}
				srv.ExpireAccessTokens()
				if i%2 == 1 { // the processes know of the end, and needn't be told by a 401
					o = order{Requests: 10, Forward: time.Hour}
				}
				r := round(t, all, o)
				want.Refreshes++
				if got := srv.Counts("alice"); got != want || r.OK != processes*goroutines {
					t.Fatalf("after expiry %d the server counts %+v, want %+v; %d goroutines got what they wanted, and others %v; events: %v",
						i+1, got, want, r.OK, r.Other, r.Events)
				}
				later()
			}
			if came := srv.TokenRequests("refresh_token"); came != expiries {
				t.Errorf("%d refreshes were asked for, want %d", came, expiries)
			}
			t.Logf("%d expiries, %d refreshes, %d reuses, %d requests answered, in %v",
				expiries, want.Refreshes, srv.Counts("alice").Reuses, srv.Served("alice"), time.Since(began).Round(time.Millisecond))
			for _, p := range all {
				text := p.tape.bytes()
				if kinds := srv.Leaks(text); len(kinds) > 0 {
					t.Errorf("a process has written: %v", kinds)
				}
				if !strings.Contains(string(text), "github") {
					t.Error("a process has written nothing of what it was to write")
				}
			}
			if issued := srv.Issued(); issued["refresh token"] != expiries+1 || issued["access token"] != expiries+1 || issued["client secret"] == 0 {
				t.Errorf("the search was for %v", issued)
			}
		})
	}
}

// Answers of the token endpoint are lost on their way, one after another: each is one
// revocation, and one attempt in vain among all processes. Nothing is asked again until
// somebody connects, which all see.
func TestALostAnswerEndsTheConnectionOnceForEightProcesses(t *testing.T) {
	t.Parallel()
	srv := start(t, proxied)
	a := newAccount(t, srv, oauthtest.Client{})
	store, j, env, _ := inFiles(t)
	a.service = store
	a.setApp(a.app.Secret, "", "")
	j.Goroutines, j.API, j.Settings = 25, srv.API, a.cfg.Settings
	all := workers(t, j, env)
	everybody := processes * j.Goroutines

	var want oauthtest.Counts
	asked := 0
	check := func(when string, r result, ok, failed, refused int) {
		t.Helper()
		if got := srv.Counts("alice"); got != want {
			t.Errorf("%s the server counts %+v, want %+v", when, got, want)
		}
		if came := srv.Proxy.Requests(); count(came, oauthtest.TokenPath) != asked+want.Codes {
			t.Errorf("%s %d refreshes were asked for, want %d", when, count(came, oauthtest.TokenPath)-want.Codes, asked)
		}
		// The 401 itself is for those of the process whose request was answered by nothing.
		if r.OK != ok || r.Other["401"] != failed*j.Goroutines || r.OK+r.Other["401"]+r.Other[reauthorize] != everybody {
			t.Errorf("%s %d goroutines have their answer, want %d, and others %v", when, r.OK, ok, r.Other)
		}
		if r.Events[lukko.EventFailed] != failed || r.Events[lukko.EventReauthorize] != refused {
			t.Errorf("%s the events are %v", when, r.Events)
		}
	}
	lost := long(2, 20)
	for range lost {
		a.seed()
		want.Codes++
		// By now all have seen that the account is connected, and none that it ends.
		check("when it is connected,", round(t, all, order{Requests: 100, Forward: time.Minute}), everybody, 0, 0)

		srv.ExpireAccessTokens()
		want.Refreshes++
		asked++
		check("when it has expired,", round(t, all, order{Requests: 100}), everybody, 0, 0)

		srv.ExpireAccessTokens()
		srv.Proxy.Token(1, oauthtest.LoseAnswer)
		want.Refreshes++
		want.Reuses++
		want.Revocations++
		asked += 2
		check("when an answer was lost,", round(t, all, order{Requests: 100}), 0, 1, 1)
		check("after that,", round(t, all, order{Requests: 100, Forward: time.Minute}), 0, 0, 0)
		check("long after that,", round(t, all, order{Requests: 100, Forward: time.Hour}), 0, 0, 0)
	}
	for _, p := range all {
		if kinds := srv.Leaks(p.tape.bytes()); len(kinds) > 0 {
			t.Errorf("a process has written: %v", kinds)
		}
	}
}

// count returns how many requests were for a path.
func count(all []faultproxy.Request, path string) int {
	n := 0
	for _, r := range all {
		if r.Path == path {
			n++
		}
	}
	return n
}

func inFiles(t *testing.T) (core.SecretService, job, map[string]string, func()) {
	cfg := file.Config{Dir: filepath.Join(t.TempDir(), "secrets"), UserDir: filepath.Join(t.TempDir(), "user")}
	path, err := file.IdentityPath(cfg)
	if err != nil {
		t.Fatal(err)
	}
	me, err := file.CreateIdentity(path, file.IdentityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	me.Name = "me"
	if err := file.Init(t.Context(), cfg, me); err != nil {
		t.Fatal(err)
	}
	store, err := file.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	providertest.Closed(t, store)
	return store, job{Store: "file", Dir: cfg.Dir, User: cfg.UserDir}, nil, func() {}
}

func inVault(t *testing.T) (core.SecretService, job, map[string]string, func()) {
	srv := vaulttest.Shared(t)
	kv := srv.MountKV(t, 2)
	policy := srv.Policy(t, `path "`+kv.Mount+`/*" { capabilities = ["create", "read", "update", "delete"] }`)
	env := map[string]string{"VAULT_ADDR": srv.Address, "VAULT_TOKEN": srv.Token(t, vaulttest.Role{Policies: []string{policy}})}
	store, err := vault.New(vault.Config{Mount: kv.Mount, KV: 2, Lookup: lookup(env)})
	if err != nil {
		t.Fatal(err)
	}
	return providertest.Closed(t, store), job{Store: "vault", Mount: kv.Mount}, env, func() {}
}

// The clock of AWS goes on by more than a day after each expiry, as the service keeps
// about a hundred versions of a secret a day. Its reads are of the past, by as long as
// a test can wait.
func inAWS(t *testing.T) (core.SecretService, job, map[string]string, func()) {
	clock := &clock{}
	fake := awstest.New(t, func(c *awstest.Config) { c.Clock, c.ReadLag = clock.Now, 50*time.Millisecond })
	env := fake.Settings().Env()
	store, err := aws.New(t.Context(), awsConfig(fake))
	if err != nil {
		t.Fatal(err)
	}
	return providertest.Closed(t, store), job{Store: "aws"}, env, func() { clock.advance(25 * time.Hour) }
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}
