package oauthtest_test

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/internal/oauthtest"
)

// logged is all that anything in this process logs by the defaults.
var logged output

type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.buf.Bytes())
}

func TestMain(m *testing.M) {
	for env, work := range map[string]func() error{workerEnv: worker, victimEnv: victim} {
		if os.Getenv(env) == "" {
			continue
		}
		if err := work(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.SetOutput(&logged)
	os.Exit(m.Run())
}

// start is a server of which nothing secret may be in any log when the test ends.
func start(t *testing.T, configure ...func(*oauthtest.Config)) *oauthtest.Server {
	t.Helper()
	srv := oauthtest.New(t, configure...)
	t.Cleanup(func() {
		if kinds := srv.Leaks(logged.bytes()); len(kinds) > 0 {
			t.Errorf("logs of the process hold: %v", kinds)
		}
	})
	return srv
}
