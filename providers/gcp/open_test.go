package gcp_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

const kms = "projects/p/locations/%s/keyRings/r/cryptoKeys/k"

func TestAURLThatCannotBeMeantIsRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url, hint string
		env       map[string]string
	}{
		{"gcp:canary", "no path", nil},
		{"gcp:///canary", "no path", nil},
		{"gcp://p/canary", "no path", nil},
		{"gcp://CANARY", "no id or number", nil},
		{"gcp://ca_nary", "no id or number", nil},
		{"gcp:", "no id or number", map[string]string{"GOOGLE_CLOUD_PROJECT": "CANARY project"}},
		{"gcp://p?canary=x", "does not know", nil},
		{"gcp://p?location=canary", "location", nil},
		{"gcp://p?location=", "empty", nil},
		{"gcp://p?endpoint=canary", "host and port", nil},
		{"gcp://p?endpoint=https://canary:443", "host and port", nil},
		{"gcp://p?endpoint=unix:///canary", "host and port", nil},
		{"gcp://p?endpoint=:443", "host and port", nil},
		{"gcp://p?insecure=canary", "true or false", nil},
		{"gcp://p?insecure=true", "endpoint that is named", nil},
		{"gcp:?endpoint=localhost:1", "no credentials that tell the project", nil},
		{"gcp://p?latest=canary", "strict or enabled", nil},
		{"gcp://p?keep_versions=5", "disable", nil},
		{"gcp://p?keep_versions=0,destroy", "keep_versions", nil},
		{"gcp://p?keep_versions=canary,destroy", "keep_versions", nil},
		{"gcp://p?keep_versions=5,canary", "keep_versions", nil},
		{"gcp://p?replication=canary", "locations like", nil},
		{"gcp://p?replication=us-east1,us-east1", "each once", nil},
		{"gcp://p?location=us-east1&replication=us-east1", "no replication", nil},
		{"gcp://p?kms_key=canary", "KMS key is named", nil},
		{"gcp://p?kms_key=" + fmt.Sprintf(kms, "us-east1"), "global", nil},
		{"gcp://p?location=us-east1&kms_key=" + fmt.Sprintf(kms, "us-east4"), "their own location", nil},
		{"gcp://p?replication=us-east1,us-east4&kms_key=" + fmt.Sprintf(kms, "us-east1"), "the one key of its own", nil},
		{"gcp://p?replication=us-east1&kms_key=" + fmt.Sprintf(kms, "us-east1") + "," + fmt.Sprintf(kms, "us-east4"), "the one key of its own", nil},
		{"gcp://p?concurrency=canary", "1 to 1024", nil},
		{"gcp://p?concurrency=0", "1 to 1024", nil},
		{"gcp://p?retries=canary", "0 to 10", nil},
		{"gcp://p?timeout=canary", "such as 10s", nil},
		{"gcp://p?timeout=-1s", "such as 10s", nil},
		{"gcp://p", "is not on this machine", map[string]string{"SECRET_MANAGER_EMULATOR_HOST": "canary.example.com:8085"}},
		{"gcp://p", "SECRET_MANAGER_EMULATOR_HOST is no host and port", map[string]string{"SECRET_MANAGER_EMULATOR_HOST": "http://canary:8085"}},
	} {
		schemes := core.Schemes{"gcp": gcp.Opener(gcp.Config{Lookup: environ(c.env)})}
		store, err := schemes.Open(t.Context(), c.url)
		if err == nil {
			_ = store.Close()
		}
		e := (*core.Error)(nil)
		if !errors.As(err, &e) || e.Kind != core.ErrInvalidOption || !strings.Contains(e.Hint, c.hint) { //nolint:errorlint // a kind is the sentinel itself
			t.Errorf("%s: %v, want ErrInvalidOption that says %q", c.url, err, c.hint)
		}
		if strings.Contains(strings.ToLower(fmt.Sprintf("%v %#v", err, err)), "canary") {
			t.Errorf("the error quotes the URL or the environment: %v", err)
		}
	}
}

// Everything that is right opens without a word to the network.
func TestAURLOpensWithoutTheNetwork(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"gcp:", "gcp://my-project", "gcp://123456789012", "gcp://p?prefix=shop_", "gcp://p?location=europe-west3",
		"gcp://p?endpoint=secretmanager.example.com:443", "gcp://p?endpoint=emulator.example.com:8085&insecure=true",
		"gcp://p?latest=strict&keep_versions=3,disable&replication=automatic&concurrency=9&retries=0&timeout=5s",
		"gcp://p?kms_key=" + fmt.Sprintf(kms, "global"),
	} {
		schemes := core.Schemes{"gcp": gcp.Opener(gcp.Config{Lookup: bare})}
		store, err := schemes.Open(t.Context(), url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		caps, err := store.Capabilities(t.Context())
		want := core.Capabilities{Set: true, Delete: true, List: true, Versions: true, AtVersion: true, Settle: gcp.Settle}
		if err != nil || caps != want {
			t.Errorf("%s: the capabilities are %+v, error %v", url, caps, err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheProjectIsThatOfTheURLThenOfTheEnvironment(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t, gcptest.WithProject(otherProject, 42))
	env := environ(map[string]string{"GOOGLE_CLOUD_PROJECT": otherProject, "SECRET_MANAGER_EMULATOR_HOST": srv.Listen()})
	schemes := core.Schemes{"gcp": gcp.Opener(gcp.Config{Lookup: env})}
	for url, want := range map[string]string{"gcp:": otherProject, "gcp://" + gcptest.ProjectID: gcptest.ProjectID} {
		store, err := schemes.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		providertest.Closed(t, store)
		srv.ResetCalls()
		_, _ = store.Get(t.Context(), "a")
		if calls := srv.Calls(); len(calls) != 1 || calls[0].Resource != "projects/"+want+"/secrets/a/versions/latest" {
			t.Errorf("%s asked for %v", url, calls)
		}
	}
}

// The word of the URL goes before the environment's emulator, and an explicit word
// lets one on another machine be spoken to.
func TestAnEndpointGoesBeforeTheEmulator(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("a", []byte("v"))
	env := environ(map[string]string{"SECRET_MANAGER_EMULATOR_HOST": "emulator.example.com:8085"})
	schemes := core.Schemes{"gcp": gcp.Opener(gcp.Config{Lookup: env})}
	store, err := schemes.Open(t.Context(), "gcp://"+gcptest.ProjectID+"?endpoint="+strings.Replace(srv.Listen(), "127.0.0.1", "localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	providertest.Closed(t, store)
	if _, err := store.Get(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if store, err = schemes.Open(t.Context(), "gcp://p?insecure=true"); err != nil {
		t.Errorf("an emulator elsewhere, with the explicit word: %v", err)
	} else {
		providertest.Closed(t, store)
	}
}

func TestAClientOfTheCallersIsUsedAndLeftOpen(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("a", []byte("v"))
	client := srv.Client(t)
	for range 2 {
		store, err := gcp.New(gcp.Config{Client: client, Project: gcptest.ProjectID, Lookup: bare})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Get(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, cfg := range []gcp.Config{{Client: client}, {Client: client, Project: "p", Endpoint: "localhost:1"}, {Client: client, Project: "p", Insecure: true}} {
		cfg.Lookup = bare
		if _, err := gcp.New(cfg); !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("%v: %v, want ErrInvalidOption", cfg, err)
		}
	}
	text := fmt.Sprintf("%v %+v %#v", gcp.Config{Client: client}, gcp.Config{Client: client}, gcp.Config{Client: client})
	if n := strings.Count(text, "Client:true"); n != 3 || strings.Contains(text, "0x") {
		t.Errorf("the settings print as %s", text)
	}
	// Its own retries are off too.
	srv.ResetCalls()
	store := providertest.Closed(t, func() *core.Store {
		s, err := gcp.New(gcp.Config{Client: client, Project: gcptest.ProjectID, Retries: -1, Lookup: bare})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}())
	srv.Inject(gcptest.Fault{Method: "AccessSecretVersion", Status: throttled(t, 0)})
	if _, err := store.Get(t.Context(), "a"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	if got := methods(srv); !slices.Equal(got, []string{"AccessSecretVersion"}) {
		t.Errorf("the calls were %q", got)
	}
}
