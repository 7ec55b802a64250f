package aws_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// A cell is one way to use the provider that the whole suite runs in.
type cell struct {
	name    string
	lenient bool
	prefix  string
	chained bool
	late    bool // reads miss writes for a time
}

// cells are such that each personality and each place is in one of them. A trial
// runs all.
func cells() []cell {
	all := []cell{
		{name: "the strict reference while reads miss writes", late: true},
		{name: "a lenient stand-in under a prefix within a chain", lenient: true, prefix: "shop_", chained: true},
		{name: "the strict reference"},
		{name: "the strict reference under a prefix", prefix: "shop/"},
		{name: "the strict reference within a chain", chained: true},
		{name: "a lenient stand-in", lenient: true},
		{name: "a lenient stand-in under a prefix", lenient: true, prefix: "shop/"},
		{name: "a lenient stand-in within a chain", lenient: true, chained: true},
	}
	return all[:long(2, len(all))]
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, c := range cells() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := conformance.Harness{
				Open:    func(t testing.TB) conformance.Subject { return c.subject(t) },
				Refuses: c.refuses,
				Names:   c.names,
			}
			if c.late {
				h.Open, h.Timeout = late(c.subject), 3*time.Minute
			}
			conformance.Run(t, h)
		})
	}
}

// hooks are what the suite may do behind the back of a store.
type hooks struct {
	t     testing.TB
	cell  cell
	fake  *awstest.Server
	front *front
	sdk   *secretsmanager.Client
}

func (c cell) subject(t testing.TB, more ...func(*awstest.Config)) conformance.Subject {
	t.Helper()
	h := &hooks{t: t, cell: c}
	// The region of the ARN that the suite asks for.
	configure := []func(*awstest.Config){func(c *awstest.Config) { c.Region = "eu-west-1" }}
	if c.lenient {
		configure = append(configure, awstest.Lenient)
	}
	h.fake = awstest.New(t, append(configure, more...)...)
	h.front = newFront(t, h.fake)
	h.sdk = bare(t, h.fake)
	s := conformance.Subject{
		Second: h.open, Reopen: h.open,
		Seed: h.seed, Deny: h.deny, Corrupt: h.corrupt, Fail: h.fail, Hold: h.hold,
	}
	var err error
	if s.Service, err = h.open(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *hooks) open() (core.SecretService, error) {
	cfg := settings(h.fake, h.front.url)
	cfg.Retries = 1
	if h.cell.lenient {
		cfg.Conditions = aws.ConditionsAuto // as of any endpoint that is not AWS's
	}
	var store *core.Store
	var err error
	if h.cell.prefix == "" {
		store, err = aws.New(h.t.Context(), cfg)
	} else {
		store, err = core.Schemes{"aws": aws.Opener(cfg)}.Open(h.t.Context(), "aws:?prefix="+h.cell.prefix)
	}
	switch {
	case err != nil:
		return nil, err
	case !h.cell.chained:
		return store, nil
	}
	h.t.Cleanup(func() { _ = store.Close() })
	return chain.New(chain.Config{
		Layers:  []chain.Layer{{Name: "local", Service: memory.New(memory.Config{})}, {Name: "aws", Service: store}},
		WriteTo: "aws",
	})
}

// refuses reports whether the service can't hold an id. A chain hands the refusal
// on for writes, and asks the layer above for reads.
func (c cell) refuses(id string) bool {
	return strings.Contains(id, ":") && !c.names(id) || len(c.prefix+id) > core.MaxIDLen
}

// names reports whether an id is an ARN, which names what is there.
func (c cell) names(id string) bool { return c.prefix == "" && strings.HasPrefix(id, "arn:") }

// seed stores what somebody would by the command line.
func (h *hooks) seed(id string, value core.Value) error {
	id = h.cell.prefix + id
	if value.IsZero() || value.Len() > core.MaxValueLen {
		return errors.ErrUnsupported // the service holds none such
	}
	in := &secretsmanager.CreateSecretInput{Name: &id}
	if text := value.Reveal(); utf8.ValidString(text) {
		in.SecretString = &text
	} else {
		in.SecretBinary = value.RevealBytes()
	}
	_, err := h.sdk.CreateSecret(h.t.Context(), in)
	if err == nil {
		return nil
	}
	_, err = h.sdk.PutSecretValue(h.t.Context(), &secretsmanager.PutSecretValueInput{SecretId: &id, SecretString: in.SecretString, SecretBinary: in.SecretBinary})
	return err
}

func (h *hooks) deny(id string) error {
	h.fake.Deny("secretsmanager:GetSecretValue", h.cell.prefix+id)
	return nil
}

// corrupt is what a value that does not verify is here: one that the service can't decrypt.
// Text has no form of storage of the provider's that could be damaged.
func (h *hooks) corrupt(id string) error { return h.fake.LoseKey(h.cell.prefix + id) }

func (h *hooks) fail(kind error) (restore func()) {
	switch {
	case errors.Is(kind, core.ErrUnavailable):
		return h.fake.Inject(awstest.Fault{Times: -1})
	case errors.Is(kind, core.ErrUnauthenticated):
		return h.fake.Inject(awstest.Fault{Times: -1, Answer: &awstest.APIError{Status: 400, Code: "ExpiredTokenException"}})
	case errors.Is(kind, core.ErrExhausted):
		var all []func()
		for _, op := range []string{"CreateSecret", "PutSecretValue"} {
			all = append(all, h.fake.Inject(awstest.Fault{Operation: op, Times: -1, Answer: &awstest.APIError{Status: 400, Code: "LimitExceededException"}}))
		}
		return func() {
			for _, undo := range all {
				undo()
			}
		}
	}
	return nil
}

// A front stands before a fake, and can hold requests back.
type front struct {
	fake *awstest.Server
	url  string

	mu    sync.Mutex
	holds []*held
}

type held struct {
	id    string
	there chan struct{}
	until chan struct{}
	once  sync.Once
}

func newFront(t testing.TB, fake *awstest.Server) *front {
	t.Helper()
	f := &front{fake: fake}
	s := httptest.NewServer(f)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	f.url = s.URL
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	f.mu.Lock()
	var stop *held
	for i, h := range f.holds {
		if bytes.Contains(body, []byte(`"`+h.id+`"`)) {
			stop = h
			f.holds = slices.Delete(f.holds, i, i+1)
			break
		}
	}
	f.mu.Unlock()
	if stop != nil {
		close(stop.there)
		select {
		case <-stop.until:
		case <-r.Context().Done():
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.fake.ServeHTTP(w, r)
}

// hold keeps the next request that has to do with a secret at the server's door.
func (h *hooks) hold(id string) (reached <-chan struct{}, release func()) {
	stop := &held{id: h.cell.prefix + id, there: make(chan struct{}), until: make(chan struct{})}
	h.front.mu.Lock()
	defer h.front.mu.Unlock()
	h.front.holds = append(h.front.holds, stop)
	return stop.there, func() { stop.once.Do(func() { close(stop.until) }) }
}

func TestCapabilitiesGoByTheEndpoint(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	for _, c := range []struct {
		endpoint   string
		conditions aws.Conditions
		claimed    bool
	}{
		{"", aws.ConditionsAuto, true},
		{"https://vpce-0123-abcd.secretsmanager.eu-west-1.vpce.amazonaws.com", aws.ConditionsAuto, true},
		{"https://secretsmanager.eu-west-1.api.aws", aws.ConditionsAuto, true},
		{"https://secretsmanager.cn-north-1.amazonaws.com.cn", aws.ConditionsAuto, true},
		{"https://amazonaws.com.example.com", aws.ConditionsAuto, false},
		{"https://notamazonaws.com", aws.ConditionsAuto, false},
		{"http://127.0.0.1:4566", aws.ConditionsAuto, false},
		{"http://127.0.0.1:4566", aws.ConditionsOn, true},
		{"", aws.ConditionsOff, false},
	} {
		t.Run(fmt.Sprintf("endpoint %q, conditions %q", c.endpoint, c.conditions), func(t *testing.T) {
			t.Parallel()
			cfg := settings(fake, "")
			cfg.Endpoint, cfg.Conditions = c.endpoint, c.conditions
			got, err := open(t, cfg).Capabilities(t.Context())
			if err != nil || got.IfVersion != c.claimed || got.IfAbsent != c.claimed || !got.Purge || !got.AtVersion {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
