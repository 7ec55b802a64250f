//go:build unix

package oauthtest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/lukko-dev/lukko/core"
	lukko "github.com/lukko-dev/lukko/oauth2"
)

// victimEnv makes the test binary a process that ends, or is stopped, at a point
// of a refresh. What it works on it reads from its standard input.
const victimEnv = "LUKKO_OAUTHTEST_VICTIM"

// The points of a refresh at which a process ends.
const (
	afterClaim  = "K1"   // the claim is stored, and nothing is asked
	afterAnswer = "K2"   // the provider has answered, and nothing is stored
	afterStore  = "K3"   // the tokens are stored
	dropped     = "drop" // the answer is lost, and the process goes on
	stopped     = "stop" // as after the claim, but it goes on later
)

// A task is what such a process works on.
type task struct {
	job
	Point string
	Speed int           // its clock runs so many times as fast
	Since int64         // from this time on, in nanoseconds since 1970
	Ahead time.Duration // how far its clock is ahead of the others'
}

// fast is a clock that runs faster than the machine's and is ahead of it.
type fast struct {
	since time.Time
	speed int
	ahead time.Duration
}

func (f fast) Now() time.Time {
	now := time.Now()
	return now.Add(time.Duration(f.speed-1)*now.Round(0).Sub(f.since) + f.ahead)
}

func (f fast) After(d time.Duration) <-chan time.Time {
	return time.After(d / time.Duration(f.speed))
}

// trapped is a store that tells of each write that has succeeded.
type trapped struct {
	core.SecretService
	wrote func(id string)
}

func (s trapped) Set(ctx context.Context, id string, value core.Value, opts ...core.SetOption) (core.Info, error) {
	info, err := s.SecretService.Set(ctx, id, value, opts...)
	if err == nil {
		s.wrote(id)
	}
	return info, err
}

type carrier func(*http.Request) (*http.Response, error)

func (f carrier) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func victim() error {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	var t task
	if err := in.Decode(&t); err != nil {
		return errors.New("no task")
	}
	store, err := t.open()
	if err != nil {
		return err
	}
	defer store.Close()

	out := json.NewEncoder(os.Stdout)
	signal := func(s syscall.Signal) { _ = syscall.Kill(os.Getpid(), s) }
	var once sync.Once
	var mu sync.Mutex
	events := map[lukko.EventKind]int{}
	cfg := lukko.Config{
		Name: "github", SecretID: appID, TokenSecretID: tokensID, Settings: t.Settings, Connect: "lukko oauth connect github",
		Clock: fast{time.Unix(0, t.Since), t.Speed, t.Ahead},
		Service: trapped{store, func(id string) {
			claim := id == tokensID+lukko.ClaimSuffix
			switch {
			case t.Point == afterClaim && claim, t.Point == afterStore && id == tokensID:
				signal(syscall.SIGKILL)
				select {} // no line of the program follows
			case t.Point == stopped && claim:
				once.Do(func() {
					_ = out.Encode(result{}) // so that the parent knows
					began := time.Now()
					signal(syscall.SIGSTOP)
					// Another thread may take the signal, and this one run on for a while:
					// not into the request.
					for time.Since(began) < time.Second {
						time.Sleep(time.Millisecond)
					}
				})
			}
		}},
		Endpoints: carrier(func(req *http.Request) (*http.Response, error) {
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil || req.Method != http.MethodPost {
				return resp, err
			}
			switch t.Point {
			case afterAnswer:
				signal(syscall.SIGKILL)
				select {}
			case dropped:
				lost := false
				once.Do(func() { lost = true })
				if lost {
					resp.Body.Close()
					return nil, errors.New("the connection broke")
				}
			}
			return resp, nil
		}),
		OnEvent: func(e lukko.Event) {
			fmt.Fprintf(os.Stderr, "%+v\n", e)
			mu.Lock()
			defer mu.Unlock()
			events[e.Kind]++
		},
	}
	c, err := lukko.New(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		var o order
		if in.Decode(&o) != nil {
			return nil
		}
		r := result{Other: map[string]int{}}
		for _, said := range together(t.Goroutines, func(int) string {
			for tries := 0; ; tries++ {
				status, err := do(context.Background(), c, t.API)
				switch {
				case errors.Is(err, lukko.ErrReauthorize) && tries >= o.Requests:
					return "reauthorize"
				case err == nil && status == http.StatusOK:
					return "200"
				case err == nil && status == http.StatusUnauthorized && t.Point == dropped:
					return "401"
				}
				fmt.Fprintf(os.Stderr, "%d %+v\n", status, err)
				if tries > 200 {
					return fmt.Sprintf("%d %v", status, err)
				}
				time.Sleep(100 * time.Millisecond)
			}
		}) {
			r.Other[said]++
		}
		mu.Lock()
		r.Events, events = events, map[lukko.EventKind]int{}
		mu.Unlock()
		if err := out.Encode(r); err != nil && !errors.Is(err, io.EOF) {
			return nil
		}
	}
}
