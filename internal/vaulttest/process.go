package vaulttest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// ready is what internal/vaultserver prints: its documentation says more.
type ready struct {
	Address   string `json:"address"`
	RootToken string `json:"root_token"`
	UnsealKey string `json:"unseal_key"`
	CA        string `json:"ca"`
	Error     string `json:"error"`
}

// A process is a running server with its two pipes. It has no goroutine, so
// that tests may count theirs.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	lines  *bufio.Reader
	once   sync.Once
	mu     sync.Mutex // one command at a time
}

const answerWithin = 60 * time.Second

func launch(name string, args ...string) (*process, ready, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = environment()
	cmd.Stderr = os.Stderr // it says nothing there unless it crashes
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, ready{}, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, ready{}, err
	}
	if err := cmd.Start(); err != nil {
		return nil, ready{}, err
	}
	p := &process{cmd: cmd, stdin: stdin, stdout: stdout, lines: bufio.NewReader(stdout)}
	r, err := p.answer()
	if err != nil {
		p.end()
		return nil, ready{}, err
	}
	return p, r, nil
}

// environment is nothing of the developer's: a VAULT_ variable changes what the
// server does.
func environment() []string {
	var env []string
	for _, name := range []string{"TMPDIR", "TMP", "TEMP", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	if runtime.GOOS != "windows" {
		env = append(env, "HOME=/nonexistent")
	}
	return env
}

func (p *process) command(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(p.stdin, name+"\n"); err != nil {
		return p.gone(err)
	}
	_, err := p.answer()
	return err
}

func (p *process) answer() (ready, error) {
	if f, ok := p.stdout.(*os.File); ok {
		_ = f.SetReadDeadline(time.Now().Add(answerWithin))
	}
	line, err := p.lines.ReadBytes('\n')
	if err != nil {
		return ready{}, p.gone(err)
	}
	var r ready
	if json.Unmarshal(line, &r) != nil { // its text would quote the root token
		return ready{}, errors.New("it printed a line that is not its JSON: is LUKKO_VAULTSERVER another program, or an old build?")
	}
	if r.Error != "" {
		return ready{}, errors.New(r.Error)
	}
	return r, nil
}

func (p *process) gone(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("no answer within %v", answerWithin)
	}
	return fmt.Errorf("the process ended; what it printed is on standard error (%w)", err)
}

// end kills the process. There is nothing to keep, so it is not asked to end.
func (p *process) end() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.stdin.Close()
		_ = p.cmd.Wait()
	})
}
