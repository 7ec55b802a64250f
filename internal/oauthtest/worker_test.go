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
	"time"

	"github.com/lukko-dev/lukko/core"
	lukko "github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/providers/vault"
)

// workerEnv makes the test binary a worker, a process with its own client. What it
// works on it reads from its standard input, as part of that is secret.
const workerEnv = "LUKKO_OAUTHTEST_WORKER"

// A job is what a worker works on: the first line of its input.
type job struct {
	Store      string // "file", "vault" or "aws"; the rest is in the environment
	Dir, User  string // of the file store
	Mount      string // of Vault
	Goroutines int
	API        string
	Settings   lukko.Settings
}

// An order has all goroutines of a worker use the account, once each: a line of its
// input.
type order struct {
	Forward  time.Duration // set the clock forward by this first
	Requests int           // of each hundred goroutines: they make a request, and the others ask for a token
}

// A result is what came of an order: a line of a worker's output.
type result struct {
	OK     int            // goroutines that got what they wanted
	Other  map[string]int // answers that are not 200, and errors
	Events map[lukko.EventKind]int
}

// reauthorize is what a goroutine gets in place of an answer when the connection has
// ended.
const reauthorize = "reauthorize"

func worker() error {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	var j job
	if err := in.Decode(&j); err != nil {
		return fmt.Errorf("no job")
	}
	store, err := j.open()
	if err != nil {
		return err
	}
	defer store.Close()

	time := &clock{}
	var mu sync.Mutex
	events := map[lukko.EventKind]int{}
	cfg := lukko.Config{
		Name: "github", SecretID: appID, TokenSecretID: tokensID, Settings: j.Settings,
		Service: store, Clock: time, Connect: "lukko oauth connect github",
	}
	// Enough idle connections that no port is used up by closing them.
	carry := http.DefaultTransport.(*http.Transport).Clone()
	carry.MaxIdleConnsPerHost, carry.MaxConnsPerHost = 32, 32
	cfg.Transport = carry
	cfg.OnEvent = func(e lukko.Event) {
		fmt.Fprintf(os.Stderr, "%v %+v %#v\n", e, e, e)
		mu.Lock()
		defer mu.Unlock()
		events[e.Kind]++
	}
	c, err := lukko.New(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(os.Stderr, "%+v\n", c)

	out := json.NewEncoder(os.Stdout)
	for {
		var o order
		if in.Decode(&o) != nil {
			return nil // the parent has closed the input
		}
		time.advance(o.Forward)
		r := result{Other: map[string]int{}}
		for _, said := range together(j.Goroutines, func(i int) string {
			status := http.StatusOK
			var err error
			if i%100 < o.Requests {
				status, err = do(context.Background(), c, j.API)
			} else {
				_, err = c.Token(context.Background())
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "%v %+v %#v\n", err, err, err)
			}
			switch {
			case errors.Is(err, lukko.ErrReauthorize):
				return reauthorize
			case err != nil:
				return err.Error()
			}
			return fmt.Sprint(status)
		}) {
			if said == "200" {
				r.OK++
			} else {
				r.Other[said]++
			}
		}
		mu.Lock()
		r.Events = events
		events = map[lukko.EventKind]int{}
		mu.Unlock()
		if err := out.Encode(r); err != nil {
			return nil
		}
	}
}

func (j job) open() (*core.Store, error) {
	switch j.Store {
	case "file":
		s, err := file.New(file.Config{Dir: j.Dir, UserDir: j.User})
		if err != nil {
			return nil, err
		}
		return s.Store, nil
	case "vault":
		return vault.New(vault.Config{Mount: j.Mount, KV: 2})
	case "aws":
		return aws.New(context.Background(), aws.Config{Conditions: aws.ConditionsOn})
	}
	return nil, fmt.Errorf("no store")
}

// do makes one authorized request.
func do(ctx context.Context, c *lukko.Client, api string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/api/repos", nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
