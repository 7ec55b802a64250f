package gcp_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// A cell is one way to use the provider that the whole suite runs in.
type cell struct {
	personality gcptest.Personality
	prefix      string // empty: directly
	byHand      bool   // the prefix by core.Prefix, in place of the URL
	location    string // of regional secrets
	chain       bool   // behind a file store
	other       bool   // by full resource names of another project
}

func (c cell) String() string {
	name := "strict"
	if c.personality == gcptest.Lenient {
		name = "lenient"
	}
	if c.location != "" {
		name += " regional"
	}
	if c.prefix != "" {
		name += " under a prefix"
	}
	if c.other {
		name += " in another project"
	}
	if c.chain {
		name += " in a chain"
	}
	return name
}

const otherProject = "team-two-secrets"

// cells are such that each of the ways meets one of the personalities. A trial
// runs all.
func cells() []cell {
	some := []cell{
		{},
		{personality: gcptest.Lenient, prefix: "shop_"},
		{chain: true},
		{personality: gcptest.Lenient, location: "europe-west3"},
	}
	if os.Getenv("LUKKO_TRIAL") != "1" {
		return some
	}
	return append(some,
		cell{personality: gcptest.Lenient},
		cell{prefix: "shop_"},
		cell{personality: gcptest.Lenient, chain: true},
		cell{location: "europe-west3", prefix: "shop-", byHand: true},
		cell{other: true},
		cell{personality: gcptest.Lenient, other: true},
	)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, c := range cells() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			conformance.Run(t, conformance.Harness{
				Open: func(t testing.TB) conformance.Subject { return c.subject(t) },
				Refuses: func(id string) bool {
					return strings.ContainsAny(id, ".:/+=@") || len(c.full()+id) > core.MaxIDLen
				},
				// TestNumbersStartAgainAfterADelete shows what is true in its place.
				Waive: map[string]string{
					"SHOULD/Delete/versions-are-not-reused": "Google's numbers start at 1 again when a secret is created under the name of a deleted one, and a read is told the number alone",
				},
			})
		})
	}
}

// full is what stands before an id to make the name that the store gets.
func (c cell) full() string {
	if c.other {
		return "projects/" + otherProject + "/secrets/" + c.prefix
	}
	return c.prefix
}

func (c cell) subject(t testing.TB) conformance.Subject {
	t.Helper()
	srv := gcptest.New(t, gcptest.WithPersonality(c.personality), gcptest.WithProject(otherProject, 42))
	end := srv.Endpoint
	if c.location != "" {
		end = srv.Regional(c.location)
	}
	h := &hooks{t: t, cell: c, srv: srv, proxy: faultproxy.New(t, end.Listen())}
	h.env = environ(map[string]string{"GOOGLE_CLOUD_PROJECT": gcptest.ProjectID, "SECRET_MANAGER_EMULATOR_HOST": h.proxy.Addr()})
	if c.chain {
		h.local = memory.New(memory.Config{})
		providertest.Closed(t, h.local.Store)
	}
	s := conformance.Subject{Second: h.open, Reopen: h.open, Seed: h.seed, Fail: h.fail, Hold: h.hold, Deny: h.deny}
	if c.personality == gcptest.Strict {
		s.Corrupt = h.corrupt // on the lenient one nobody can tell
	}
	var err error
	if s.Service, err = h.open(); err != nil {
		t.Fatal(err)
	}
	return s
}

// hooks are what the suite may do behind the back of a store.
type hooks struct {
	t     testing.TB
	cell  cell
	srv   *gcptest.Server
	proxy *faultproxy.Proxy
	env   func(string) (string, bool)
	local *memory.Store
}

func (h *hooks) open() (core.SecretService, error) {
	schemes := core.Schemes{"gcp": gcp.Opener(gcp.Config{Lookup: h.env, Location: h.cell.location})}
	url := "gcp:?retries=1"
	if h.cell.full() != "" && !h.cell.byHand {
		url += "&prefix=" + h.cell.full()
	}
	store, err := schemes.Open(h.t.Context(), url)
	if err != nil {
		return nil, err
	}
	switch {
	case h.cell.chain:
		providertest.Closed(h.t, store)
		return chain.New(chain.Config{
			Layers:  []chain.Layer{{Name: "local", Service: h.local}, {Name: "google", Service: store}},
			WriteTo: "google",
		})
	case h.cell.byHand:
		providertest.Closed(h.t, store)
		return core.Prefix(store, h.cell.prefix), nil
	}
	return store, nil
}

// name is the full resource name of an id's secret.
func (h *hooks) name(id string) string {
	project, location := gcptest.ProjectID, ""
	if h.cell.other {
		project = otherProject
	}
	if h.cell.location != "" {
		location = "locations/" + h.cell.location + "/"
	}
	return "projects/" + project + "/" + location + "secrets/" + h.cell.prefix + id
}

func (h *hooks) seed(id string, value core.Value) error {
	h.srv.Seed(h.name(id), value.RevealBytes())
	return nil
}

// corrupt damages what is stored under its checksum. Values are stored as they are,
// so that there is no stored form that could fail to decode.
func (h *hooks) corrupt(id string) error {
	h.srv.Damage(h.name(id))
	return nil
}

// deny takes away every right to a secret.
func (h *hooks) deny(id string) error {
	h.t.Cleanup(h.srv.Deny("", h.name(id)))
	h.t.Cleanup(h.srv.Deny("", h.name(id)+"/versions/*"))
	return nil
}

func (h *hooks) fail(kind error) (restore func()) {
	answer := func(method string, code codes.Code, info *errdetails.ErrorInfo) func() {
		st, err := status.New(code, "").WithDetails(protoadapt.MessageV1Of(info))
		if err != nil {
			h.t.Fatal(err)
		}
		return h.srv.Inject(gcptest.Fault{Method: method, Times: -1, Status: st}).Remove
	}
	switch {
	case errors.Is(kind, core.ErrUnavailable):
		restore := h.proxy.Refuse()
		h.proxy.Disconnect(faultproxy.Reset)
		return restore
	case errors.Is(kind, core.ErrUnauthenticated):
		return answer("", codes.Unauthenticated, &errdetails.ErrorInfo{Reason: "ACCESS_TOKEN_EXPIRED", Domain: "googleapis.com"})
	case errors.Is(kind, core.ErrExhausted):
		return answer("AddSecretVersion", codes.ResourceExhausted, &errdetails.ErrorInfo{Reason: "RESOURCE_QUOTA_EXCEEDED", Domain: "googleapis.com"})
	}
	return nil
}

// hold keeps the next call that has to do with a secret at the server's door.
func (h *hooks) hold(id string) (reached <-chan struct{}, release func()) {
	until := make(chan struct{})
	var once sync.Once
	var faults []*gcptest.Injected
	there := make(chan struct{})
	var first sync.Once
	for _, pattern := range []string{h.name(id), h.name(id) + "/versions/*"} {
		in := h.srv.Inject(gcptest.Fault{Resource: pattern, Wait: until})
		faults = append(faults, in)
		go func() {
			select {
			case <-in.Reached():
				first.Do(func() { close(there) })
			case <-until:
			}
		}()
	}
	return there, func() {
		once.Do(func() {
			for _, in := range faults {
				in.Remove()
			}
			close(until)
		})
	}
}
