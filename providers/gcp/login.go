package gcp

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/compute/metadata"
	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"github.com/lukko-dev/lukko/core"
)

const (
	// probeLimit is how long a metadata server may take to show itself, before
	// there is none.
	probeLimit = 2500 * time.Millisecond

	// tokenLimit is how long a token may take to come.
	tokenLimit = 30 * time.Second

	// A token is replaced in the background when less than earlyRefresh of its
	// time is left, and used no more with less than leeway.
	earlyRefresh = 4 * time.Minute
	leeway       = 10 * time.Second
)

// login finds the Application Default Credentials, once, and keeps a token of
// them. Google's library would look for both under its own locks, where a caller
// waits longer than its context allows.
type login struct {
	lookup func(string) (string, bool)
	probe  func(context.Context) bool // is there a metadata server?
	find   func(file string) (*auth.Credentials, error)

	ctx    context.Context // of what runs in the background; ends with close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	creds   *auth.Credentials
	token   *auth.Token
	asked   time.Time // when the last token was asked for
	finding *flight
	asking  *flight
}

// flight is something that is being done once for all who wait for it.
type flight struct {
	done chan struct{}
	err  error
}

func newLogin(lookup func(string) (string, bool)) *login {
	l := &login{lookup: lookup, find: detect}
	l.probe = func(ctx context.Context) bool {
		if host, _ := lookup("GCE_METADATA_HOST"); host != "" {
			return true
		}
		return metadata.NewClient(nil).OnGCEWithContext(ctx)
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// credentials returns what was found. It waits no longer than ctx.
func (l *login) credentials(ctx context.Context) (*auth.Credentials, error) {
	l.mu.Lock()
	if l.creds != nil {
		defer l.mu.Unlock()
		return l.creds, nil
	}
	f := l.fly(&l.finding, func() error {
		creds, err := l.search()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.creds = creds
		return err
	})
	l.mu.Unlock()
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.creds, nil
}

// fresh returns a token that is good for a while. It waits no longer than ctx.
func (l *login) fresh(ctx context.Context) (*auth.Token, error) {
	l.mu.Lock()
	token, creds, left := l.token, l.creds, time.Duration(0)
	if token != nil {
		left = time.Until(token.Expiry)
		if token.Expiry.IsZero() {
			left = earlyRefresh
		}
	}
	soon := left > leeway && time.Since(l.asked) < leeway // it was tried just now
	l.mu.Unlock()
	if left >= earlyRefresh || soon {
		return token, nil
	}
	if creds == nil {
		var err error
		if creds, err = l.credentials(ctx); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	f := l.fly(&l.asking, func() error { return l.ask(creds) })
	l.mu.Unlock()
	if left > leeway {
		return token, nil
	}
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.token, nil
}

func (l *login) ask(creds *auth.Credentials) error {
	ctx, cancel := context.WithTimeout(l.ctx, tokenLimit)
	defer cancel()
	token, err := creds.Token(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	if err != nil {
		return tokenFault(err)
	}
	l.token = token
	return nil
}

// Token implements auth.TokenProvider.
func (l *login) Token(ctx context.Context) (*auth.Token, error) { return l.fresh(ctx) }

// rejected forgets a token that the service did not take, and the credentials that
// it is of: the file may hold others by now.
func (l *login) rejected(token *auth.Token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == token {
		l.token, l.creds = nil, nil
	}
}

// project is that of the credentials; empty where they tell none.
func (l *login) project(ctx context.Context) (string, error) {
	creds, err := l.credentials(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	id, err := creds.ProjectID(ctx)
	if err != nil {
		return "", &core.Error{Kind: core.ErrUnavailable, Hint: "the metadata server does not tell the project; name it in the URL, or set GOOGLE_CLOUD_PROJECT"}
	}
	return id, nil
}

// fly joins what is under way, or begins it. The lock is held.
func (l *login) fly(slot **flight, do func() error) *flight {
	if *slot != nil {
		return *slot
	}
	f := &flight{done: make(chan struct{})}
	if l.closed {
		f.err = &core.Error{Kind: core.ErrClosed}
		close(f.done)
		return f
	}
	*slot = f
	l.work.Go(func() {
		f.err = do()
		l.mu.Lock()
		*slot = nil
		l.mu.Unlock()
		close(f.done)
	})
	return f
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *login) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cancel()
	l.work.Wait()
}

// search looks in the places of Application Default Credentials, in their order:
// https://cloud.google.com/docs/authentication/application-default-credentials.
func (l *login) search() (*auth.Credentials, error) {
	file, named := l.lookup("GOOGLE_APPLICATION_CREDENTIALS")
	named = named && file != ""
	if !named {
		file = l.userFile()
	}
	_, err := os.Stat(file)
	switch {
	case named && err != nil:
		return nil, &core.Error{Kind: core.ErrUnauthenticated, Hint: "the file that GOOGLE_APPLICATION_CREDENTIALS names can't be read"}
	case err != nil:
		ctx, cancel := context.WithTimeout(l.ctx, probeLimit)
		defer cancel()
		if !l.probe(ctx) {
			return nil, &core.Error{Kind: core.ErrUnauthenticated, Hint: "no credentials were found: GOOGLE_APPLICATION_CREDENTIALS is not set, there is no application_default_credentials.json in gcloud's folder, and no metadata server answers; run gcloud auth application-default login, or set the variable"}
		}
		file = ""
	}
	creds, err := l.find(file)
	if err != nil {
		hint := "the metadata server that answers gives no credentials"
		if file != "" {
			hint = "the file of credentials, which GOOGLE_APPLICATION_CREDENTIALS names or gcloud has written, is not one that Google's library takes; make it anew"
		}
		return nil, &core.Error{Kind: core.ErrUnauthenticated, Hint: hint}
	}
	return creds, nil
}

// userFile is where gcloud auth application-default login writes; empty where the
// environment names no home, as a path from the working directory is anybody's.
func (l *login) userFile() string {
	home, folders := "HOME", []string{".config", "gcloud"}
	if runtime.GOOS == "windows" {
		home, folders = "APPDATA", []string{"gcloud"}
	}
	dir, _ := l.lookup(home)
	if dir == "" {
		return ""
	}
	return filepath.Join(append(append([]string{dir}, folders...), "application_default_credentials.json")...)
}

// detect makes credentials of a file; an empty one stands for the metadata server.
func detect(file string) (*auth.Credentials, error) {
	o := &credentials.DetectOptions{
		Scopes: secretmanager.DefaultAuthScopes(), UseSelfSignedJWT: true, Logger: silent,
		Client: &http.Client{Timeout: tokenLimit},
	}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		//lint:ignore SA1019 the file is the user's own, from the places that DetectDefault reads, in an environment that tests give
		o.CredentialsJSON = data
	}
	return credentials.DetectDefault(o)
}

// tokenFault tells a refusal from a network that is down.
func tokenFault(err error) error {
	refusal := (*auth.Error)(nil)
	if errors.As(err, &refusal) && refusal.Response != nil && refusal.Response.StatusCode < 500 && refusal.Response.StatusCode != http.StatusTooManyRequests {
		return &core.Error{Kind: core.ErrUnauthenticated, Hint: "the credentials were found, and Google gives no token for them; they have ended or were revoked: run gcloud auth application-default login, or make a new key"}
	}
	undefined := metadata.NotDefinedError("")
	if errors.As(err, &undefined) {
		return &core.Error{Kind: core.ErrUnauthenticated, Hint: "the metadata server knows no service account of this machine; attach one"}
	}
	return &core.Error{Kind: core.ErrUnavailable, Hint: "no token could be fetched; look at the network between here and what issues it"}
}
