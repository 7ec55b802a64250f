package chain_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

// schemes is a world of three schemes and a log of what is opened in it.
func schemes(opened *record) core.Schemes {
	s := core.Schemes{}
	register := func(scheme string, make func(u *url.URL) core.SecretService) {
		s.Register(scheme, func(ctx context.Context, u *url.URL) (*core.Store, error) {
			opened.add("%s %s", scheme, u.Opaque)
			svc := make(u)
			return core.New(scheme, owner{passing{svc}, func() { opened.add("close %s %s", scheme, u.Opaque) }}), nil
		})
	}
	register("env", func(*url.URL) core.SecretService { return env(map[string]string{"A": "env", "shop/A": "under"}) })
	register("mem", func(u *url.URL) core.SecretService {
		return memory.With(map[string]string{"A": u.Opaque, u.Opaque: "mem"})
	})
	s.Register("down", func(context.Context, *url.URL) (*core.Store, error) {
		opened.add("down")
		return nil, core.ErrUnavailable
	})
	s.Register("slow", func(ctx context.Context, _ *url.URL) (*core.Store, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	return s
}

// passing is a Backend over a service, with the writes that it has.
type passing struct{ svc core.SecretService }

func (p passing) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return p.svc.Get(ctx, id, o.Options()...)
}

func (p passing) Set(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
	return p.svc.Set(ctx, id, v, o.Options()...)
}

func (p passing) Capabilities(ctx context.Context) (core.Capabilities, error) {
	return p.svc.Capabilities(ctx)
}

// owner is a Backend that tells of its Close.
type owner struct {
	passing
	closed func()
}

func (o owner) Close() error {
	o.closed()
	return nil
}

func TestOpenChainsWhatURLsName(t *testing.T) {
	t.Parallel()
	var opened record
	c, err := chain.OpenWith(t.Context(), schemes(&opened), "env:", "mem:X", "MEM:Y?prefix=sh")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "opened at once", opened.take(), []string{"env "})
	reads(t, c, "A", "env", "env")
	equal(t, "opened for what the first has", opened.take(), nil)
	reads(t, c, "X", "mem", "mem")
	equal(t, "opened for what it has not", opened.take(), []string{"mem X"})
	reads(t, c, "NONE", "", "")
	equal(t, "opened for what none has", opened.take(), []string{"mem Y"})
	explained, err := c.Explain(t.Context(), "X", "A")
	if err != nil || explained[0].Layer != "mem" || explained[1].Layer != "env" || strings.Join(explained[1].Shadowed, " ") != "mem" {
		t.Errorf("Explain: %+v, %v", explained, err)
	}
	if _, err := c.Set(t.Context(), "B", core.String("1")); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "mem, mem-2") {
		t.Errorf("Set: %v, want the names of the two layers that can be written to", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	equal(t, "closed", sorted(opened.take()), []string{"close env ", "close mem X", "close mem Y"})
}

func TestOpenWritesToTheOnlyOneThatCan(t *testing.T) {
	t.Parallel()
	var opened record
	c, err := chain.OpenWith(t.Context(), schemes(&opened), "env:", "mem:X")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if info := set(t, c, "B", "1"); info.Source != "mem" || info.Version == "" {
		t.Errorf("Set: %+v, want layer mem", info)
	}
	reads(t, c, "B", "1", "mem")
	if _, err := c.Set(t.Context(), "A", core.String("1")); !errors.Is(err, core.ErrConflict) {
		t.Errorf("Set of what the environment has: %v, want a conflict", err)
	}
}

func TestOpenPassesOverAStoreThatCanNotHoldTheID(t *testing.T) {
	t.Parallel()
	s := core.Schemes{}
	s.Register("narrow", func(context.Context, *url.URL) (*core.Store, error) {
		return core.New("narrow", refusing{}), nil
	})
	s.Register("wide", func(context.Context, *url.URL) (*core.Store, error) {
		return memory.New(memory.Config{}).Store, nil
	})
	c, err := chain.OpenWith(t.Context(), s, "narrow:", "wide:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Set(t.Context(), "tls/KEY_FILE", core.String("x")); err != nil {
		t.Errorf("Set: %v", err)
	}
	if secret, err := c.Get(t.Context(), "tls/KEY_FILE"); err != nil || secret.Source != "wide" {
		t.Errorf("Get: %+v, %v", secret.Info, err)
	}
	if found, err := c.GetMany(t.Context(), []string{"tls/KEY_FILE"}); err != nil || len(found) != 1 {
		t.Errorf("GetMany: %d found, %v", len(found), err)
	}
	if err := c.Delete(t.Context(), "tls/KEY_FILE"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if _, err := c.Get(t.Context(), "tls/KEY_FILE"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("what one can't hold and the other doesn't have is not found, and not %v", err)
	}
	if _, err := c.Set(t.Context(), "tls/KEY_FILE", core.String("y"), core.IfChanged()); err != nil {
		t.Errorf("Set with IfChanged: %v", err)
	}
	if found, err := c.GetMany(t.Context(), []string{"OTHER"}); err != nil || len(found) != 0 {
		t.Errorf("GetMany of what nobody has: %d found, %v", len(found), err)
	}
	if x, err := c.Explain(t.Context(), "OTHER"); err != nil || !errors.Is(x[0].Err, core.ErrNotFound) {
		t.Errorf("Explain: %+v, %v", x, err)
	}
}

func TestAnIDThatNoStoreCanHoldIsInvalid(t *testing.T) {
	t.Parallel()
	s := core.Schemes{}
	s.Register("narrow", func(context.Context, *url.URL) (*core.Store, error) {
		return core.New("narrow", refusing{}), nil
	})
	c, err := chain.OpenWith(t.Context(), s, "narrow:", "narrow:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Get(t.Context(), "ID"); !errors.Is(err, core.ErrInvalidID) {
		t.Errorf("Get: %v", err)
	}
	_, err = c.GetMany(t.Context(), []string{"ID"})
	var batch *core.BatchError
	if !errors.As(err, &batch) || !errors.Is(batch.ByID["ID"], core.ErrInvalidID) {
		t.Errorf("GetMany: %v", err)
	}
}

// refusing is a backend that can't hold any id.
type refusing struct{}

func (refusing) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, core.ErrInvalidID
}

func TestOpenOfOneURL(t *testing.T) {
	t.Parallel()
	var opened record
	c, err := chain.OpenWith(t.Context(), schemes(&opened), "env:?prefix=shop/")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := c.Get(t.Context(), "A")
	if err != nil || secret.Value.Reveal() != "under" || secret.Source != "env" {
		t.Errorf("Get: %+v, %v; want what is under the prefix", secret.Info, err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	equal(t, "opened and closed", opened.take(), []string{"env ", "close env "})
}

func TestOpenUsesTheRegisteredSchemes(t *testing.T) {
	t.Parallel()
	c, err := chain.Open(t.Context(), "memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	set(t, c, "A", "1")
	reads(t, c, "A", "1", "memory")
	if _, err := chain.Open(t.Context(), "memory:", "nowhere:"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Open of an unknown scheme: %v, want unsupported", err)
	}
}

// What can be said of a URL without opening it is said at once, and nothing
// is opened.
func TestOpenChecksEveryURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		urls []string
		want error
		says string
	}{
		{"none", nil, core.ErrInvalidOption, "at least one"},
		{"one, and it is unknown", []string{"canary:"}, errors.ErrUnsupported, "unknown"},
		{"no scheme", []string{"mem:X", "canary"}, core.ErrInvalidOption, "URL 2 of 2"},
		{"an unknown scheme", []string{"mem:X", "canary:"}, errors.ErrUnsupported, "URL 2 of 2"},
		{"a scheme whose import is missing", []string{"mem:X", "vault://canary"}, errors.ErrUnsupported, "providers/vault"},
		{"a password", []string{"mem:X", "env://user:canary@host"}, core.ErrInvalidOption, "URL 2 of 2"},
		{"a query that does not parse", []string{"mem:X", "env:?canary"}, core.ErrInvalidOption, "URL 2 of 2"},
		{"an empty prefix", []string{"mem:X?prefix=", "mem:canary"}, core.ErrInvalidOption, "URL 1 of 2"},
		{"one that does not parse", []string{"env:", "mem://%zzcanary"}, core.ErrInvalidOption, "URL 2 of 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var opened record
			c, err := chain.OpenWith(t.Context(), schemes(&opened), test.urls...)
			if c != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Open: %v, want %v that says %q", err, test.want, test.says)
			}
			if len(test.urls) == 1 && strings.Contains(err.Error(), "URL 1") {
				t.Errorf("the error counts where there is nothing to count: %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the URL: %v", err)
			}
			equal(t, "opened", opened.take(), nil)
		})
	}
}

func TestOpenFailsWhereItsFirstStoreDoes(t *testing.T) {
	t.Parallel()
	var opened record
	c, err := chain.OpenWith(t.Context(), schemes(&opened), "down:", "mem:X")
	if c != nil || !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), `"down"`) {
		t.Errorf("Open: %v, want the failure of the first store", err)
	}
	c, err = chain.OpenWith(t.Context(), schemes(&opened), "mem:X", "down:")
	if err != nil {
		t.Fatalf("Open with a second store that is down: %v", err)
	}
	defer c.Close()
	reads(t, c, "X", "mem", "mem")
	if _, err := c.Get(t.Context(), "NONE"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Get of what the first has not: %v, want unavailable", err)
	}
}

func TestTheContextOfOpenBoundsTheOpening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var opened record
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c, err := chain.OpenWith(ctx, schemes(&opened), "slow:")
		if c != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open: %v, want the context's error", err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c, err = chain.OpenWith(ctx, schemes(&opened), "env:", "mem:X")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		cancel()
		reads(t, c, "X", "mem", "mem") // the context of Open was for Open
	})
}

func TestSchemesRegisteredLaterDoNotRaceWithALayer(t *testing.T) {
	t.Parallel()
	var opened record
	s := schemes(&opened)
	c, err := chain.OpenWith(t.Context(), s, "env:", "mem:X")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var reader sync.WaitGroup
	reader.Go(func() { reads(t, c, "X", "mem", "mem") })
	s.Register("more", func(context.Context, *url.URL) (*core.Store, error) { return nil, core.ErrUnavailable })
	reader.Wait()
}
