package vaulttest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// TestMain is also the parent that a test kills: it starts a server, says
// where that is, and waits.
func TestMain(m *testing.M) {
	if os.Getenv("VAULTTEST_PARENT") == "" {
		os.Exit(m.Run())
	}
	t := parent{}
	fmt.Println(vaulttest.Shared(t).Address)
	select {}
}

// parent is as much of a test as a program that is none can give to Shared.
type parent struct{ testing.TB }

func (parent) Helper()           {}
func (parent) Log(...any)        {}
func (parent) Fatal(args ...any) { fmt.Println(args...); os.Exit(1) }
func (parent) Fatalf(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	os.Exit(1)
}

func TestServerEndsWithItsKilledParent(t *testing.T) {
	t.Parallel()
	cmd := parentProcess(t.Context(), "LUKKO_VAULTSERVER="+vaulttest.Program(t))
	address := strings.TrimPrefix(startParent(t, cmd), "http://")
	if !accepts(address) {
		t.Fatal("the parent's server does not accept connections")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	providertest.Until(t, "the server is gone", func() bool { return !accepts(address) })
}

func TestServerEndsWithItsTest(t *testing.T) {
	t.Parallel()
	var address string
	t.Run("test", func(t *testing.T) { address = host(vaulttest.Start(t)) })
	if accepts(address) {
		t.Error("it accepts connections after the test")
	}
}

func TestSealedServerAnswers503UntilItIsUnsealed(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	kv := srv.KV(vaulttest.MountV2, 2)
	kv.Put(t, "app/a", map[string]any{"k": "v"})
	srv.Seal(t)
	if got := kv.Get(t, "app/a").Status; got != http.StatusServiceUnavailable {
		t.Errorf("sealed: status %d", got)
	}
	srv.Unseal(t)
	if got := kv.Data(t, "app/a")["k"]; got != "v" {
		t.Error("the data are not what they were")
	}
}

func TestRestartCutsConnectionsAndKeepsEverything(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	kv := srv.MountKV(t, 2)
	kv.Put(t, "app/a", map[string]any{"k": "v"})
	token := srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, `path "`+kv.Mount+`/*" { capabilities = ["read"] }`)}})
	address := srv.Address

	conn, err := net.Dial("tcp", host(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	srv.Stop(t)
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("an open connection was not cut: %v", err)
	}
	if accepts(host(srv)) {
		t.Error("a stopped server accepts connections")
	}
	srv.StartAgain(t)
	srv.Restart(t)
	if got := srv.DoAs(t, token, "GET", kv.Mount+"/data/app/a", nil); got.Text("data", "data", "k") != "v" {
		t.Errorf("after a restart the token reads with status %d, %q", got.Status, got.Errors())
	}
	if srv.Address != address {
		t.Errorf("the address changed from %s to %s", address, srv.Address)
	}
}

func TestRestartUnderLoadKeepsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	kv := srv.KV(vaulttest.MountSlashes, 2)
	stop := make(chan struct{})
	var answered [4]int
	var writers sync.WaitGroup
	for i := range answered {
		writers.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if version := vaulttest.Put(kv, fmt.Sprint("app/", i), map[string]any{"n": n}); version != 0 {
					answered[i] = version
				}
			}
		})
	}
	for range 3 {
		srv.Restart(t)
	}
	close(stop)
	writers.Wait()
	for i, want := range answered {
		if got := kv.Metadata(t, fmt.Sprint("app/", i)).Int("data", "current_version"); want == 0 || got < want {
			t.Errorf("writer %d: version %d was answered, and the newest is %d", i, want, got)
		}
	}
}

func TestKilledServerIsGone(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	srv.Kill(t)
	if accepts(host(srv)) {
		t.Error("it accepts connections")
	}
}

func TestTLSServerIsTrustedByItsCAOnlyAndSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	srv := vaulttest.StartTLS(t)
	if got := srv.Do(t, "GET", "sys/health", nil); got.Status != http.StatusOK {
		t.Errorf("status %d", got.Status)
	}
	if got, err := os.ReadFile(srv.CAFile); err != nil || string(got) != srv.CA || !strings.Contains(srv.CA, "CERTIFICATE") {
		t.Errorf("the file of the CA does not hold it: %v", err)
	}
	if r, err := http.Get(srv.Address + "/v1/sys/health"); err == nil {
		r.Body.Close()
		t.Error("a client without the CA trusts the server")
	}
	if got := vaulttest.Protocol(srv); got != "HTTP/2.0" {
		t.Errorf("it speaks %s", got)
	}
}

func TestSharedServerIsOneAndCannotBeStopped(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	if vaulttest.Shared(t) != srv {
		t.Error("there are two")
	}
	for name, do := range map[string]func(testing.TB){"Seal": srv.Seal, "Stop": srv.Stop, "Restart": srv.Restart, "Kill": srv.Kill} {
		r := &refused{TB: t}
		func() {
			defer func() { _ = recover() }()
			do(r)
		}()
		if !strings.Contains(r.text, "vaulttest.Start") {
			t.Errorf("%s is not refused: %q", name, r.text)
		}
	}
	if srv.Do(t, "GET", "sys/health", nil).Status != http.StatusOK {
		t.Error("it is not healthy after that")
	}
}

type refused struct {
	testing.TB
	text string
}

func (r *refused) Helper() {}

func (r *refused) Fatal(args ...any) {
	r.text = fmt.Sprint(args...)
	panic("refused")
}

func TestProgramListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "localhost:0", "no address"} {
		cmd := exec.Command(vaulttest.Program(t), "--listen", address)
		out, err := cmd.Output()
		var answer struct{ Error string }
		if err == nil || json.Unmarshal(out, &answer) != nil || !strings.Contains(answer.Error, "--listen") {
			t.Errorf("%s: ended with %v and %s", address, err, out)
		}
	}
}

func TestProgramEndsWithItsInputAndTellsUnknownCommands(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, vaulttest.Program(t))
	cmd.Stdin = strings.NewReader("nonsense\nstart\nstop\nstop\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ended with %v", err)
	}
	var got []string
	for lines := json.NewDecoder(strings.NewReader(string(out))); ; {
		var answer struct{ Error string }
		if err := lines.Decode(&answer); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal("a line is not JSON")
		}
		got = append(got, answer.Error)
	}
	want := []string{"", `no command "nonsense": stop, start, restart`, "start: it runs already", "", "stop: it does not run"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("errors %q, want %q", got, want)
	}
}

func host(srv *vaulttest.Server) string {
	_, host, _ := strings.Cut(srv.Address, "://")
	return host
}

func accepts(address string) bool {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}
