package gcp

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/auth"

	"github.com/lukko-dev/lukko/core"
)

func lookupOf(set map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := set[name]
		return value, ok
	}
}

func isError(t *testing.T, err, kind error, hint string) {
	t.Helper()
	e := (*core.Error)(nil)
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Hint, hint) { //nolint:errorlint // a kind is the sentinel itself
		t.Errorf("%v, want %v that says %q", err, kind, hint)
	}
}

func TestCredentialsThatAreNotThereAreToldWithoutAStall(t *testing.T) {
	t.Parallel()
	store, err := New(Config{Project: "p", Lookup: lookupOf(map[string]string{"HOME": t.TempDir()})})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	began := time.Now()
	_, err = store.Get(t.Context(), "a")
	took := time.Since(began)
	isError(t, err, core.ErrUnauthenticated, "GOOGLE_APPLICATION_CREDENTIALS is not set")
	isError(t, err, core.ErrUnauthenticated, "gcloud's folder")
	isError(t, err, core.ErrUnauthenticated, "no metadata server answers")
	if took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	got, err := store.GetMany(t.Context(), []string{"a", "b"})
	if isError(t, err, core.ErrUnauthenticated, "no credentials were found"); got != nil {
		t.Errorf("a batch without credentials has %d secrets, and not an error as a whole", len(got))
	}
}

func TestTheFileOfGcloudIsThatOfTheHome(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the folder is another on Windows")
	}
	for home, want := range map[string]string{"/home/u": "/home/u/.config/gcloud/application_default_credentials.json", "": ""} {
		if got := newLogin(lookupOf(map[string]string{"HOME": home})).userFile(); got != want {
			t.Errorf("in %q it is %q, want %q", home, got, want)
		}
	}
}

// A metadata server that swallows every packet, and a caller in a hurry.
func TestAProbeThatHangsIsBoundedAndNobodyWaitsLongerThanTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLogin(lookupOf(map[string]string{"HOME": "/nowhere"}))
		l.probe = func(ctx context.Context) bool {
			<-ctx.Done()
			return false
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.fresh(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		_, err := l.fresh(t.Context())
		isError(t, err, core.ErrUnauthenticated, "no metadata server")
		if time.Since(began) != probeLimit {
			t.Errorf("after %v, want %v", time.Since(began), probeLimit)
		}
		l.close()
	})
}

func TestAFileOfCredentialsThatIsNoneIsNotQuoted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const secret = "CANARY-private-key"
	for name, content := range map[string]string{
		"no-json": secret, "no-type": `{"private_key":"` + secret + `"}`,
		"strange": `{"type":"` + secret + `"}`, "no-key": `{"type":"service_account","private_key":"` + secret + `"}`,
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		store, err := New(Config{Lookup: lookupOf(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": file})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = store.Get(t.Context(), "a")
		if !errors.Is(err, core.ErrUnauthenticated) && !errors.Is(err, core.ErrInvalidOption) && !errors.Is(err, core.ErrUnavailable) || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	store, err := New(Config{Lookup: lookupOf(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": filepath.Join(dir, "gone")})})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	_, err = store.Get(t.Context(), "a")
	isError(t, err, core.ErrUnauthenticated, "can't be read")
}

// tokens hands out tokens that live for a while.
type tokens struct {
	life  time.Duration
	delay time.Duration
	err   atomic.Pointer[error]
	asked atomic.Int64
}

func (p *tokens) Token(ctx context.Context) (*auth.Token, error) {
	p.asked.Add(1)
	select {
	case <-time.After(p.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := p.err.Load(); err != nil {
		return nil, *err
	}
	return &auth.Token{Value: "t", Expiry: time.Now().Add(p.life)}, nil
}

func loginWith(p auth.TokenProvider) *login {
	l := newLogin(lookupOf(nil))
	l.creds = auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: p})
	return l
}

func TestATokenIsFetchedOnceForAllAndAnewInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &tokens{life: time.Hour, delay: time.Second}
		l := loginWith(p)
		defer l.close()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := l.fresh(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := p.asked.Load(); n != 1 {
			t.Errorf("a hundred calls fetched %d tokens", n)
		}
		time.Sleep(time.Hour - earlyRefresh + time.Second)
		began := time.Now()
		if _, err := l.fresh(t.Context()); err != nil || time.Since(began) != 0 {
			t.Errorf("a call with a token that still lives waited %v, error %v", time.Since(began), err)
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if n := p.asked.Load(); n != 2 {
			t.Errorf("%d tokens were fetched, want 2", n)
		}
	})
}

func TestWhoCannotWaitForATokenDoesNotHoldTheOthersUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := loginWith(&tokens{life: time.Hour, delay: 10 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := l.fresh(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, err := l.fresh(t.Context()); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		// Close ends what is under way.
		l.rejected(l.token)
		l.creds = auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: &tokens{delay: time.Hour}})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = l.fresh(ctx)
		l.close()
		if time.Since(began) > 12*time.Second {
			t.Errorf("Close waited until %v", time.Since(began))
		}
		if _, err := l.fresh(t.Context()); !errors.Is(err, core.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestATokenThatIsRefusedIsNotOneThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		kind error
		hint string
	}{
		{&auth.Error{Response: &http.Response{StatusCode: 400}, Body: []byte("CANARY")}, core.ErrUnauthenticated, "revoked"},
		{&auth.Error{Response: &http.Response{StatusCode: 401}}, core.ErrUnauthenticated, "revoked"},
		{&auth.Error{Response: &http.Response{StatusCode: 429}}, core.ErrUnavailable, "network"},
		{&auth.Error{Response: &http.Response{StatusCode: 503}}, core.ErrUnavailable, "network"},
		{errors.New("CANARY"), core.ErrUnavailable, "network"},
		{context.DeadlineExceeded, core.ErrUnavailable, "network"},
	} {
		p := &tokens{}
		p.err.Store(&c.err)
		l := loginWith(p)
		_, err := l.fresh(t.Context())
		isError(t, err, c.kind, c.hint)
		if strings.Contains(err.Error(), "CANARY") {
			t.Errorf("the error tells what the endpoint said: %v", err)
		}
		l.close()
	}
}
