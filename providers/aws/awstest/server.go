package awstest

import (
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"time"
)

// TB is the part of testing.TB that [New] needs.
type TB interface {
	Helper()
	Cleanup(func())
}

// Server is one fake: one region, with the secrets of every account whose
// keys it knows. It is an http.Handler. Safe for concurrent use.
type Server struct {
	cfg Config
	url string

	mu      sync.Mutex // guards cfg.Keys, the lags, and what follows
	secrets []*secret
	denied  []*rule
	broken  map[string]KMSFailure
	serial  int

	callMu sync.Mutex
	calls  []*Call

	faultMu sync.Mutex
	faults  []*planned
}

// New starts a fake on a port of the loopback address, until the test ends.
func New(tb TB, configure ...func(*Config)) *Server {
	tb.Helper()
	s := NewHandler(configure...)
	h := httptest.NewServer(s)
	tb.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
	})
	s.url = h.URL
	return s
}

// NewHandler returns a fake that listens nowhere, to be served in any way.
func NewHandler(configure ...func(*Config)) *Server {
	cfg := defaults()
	for _, f := range configure {
		f(&cfg)
	}
	if cfg.Keys == nil {
		cfg.Keys = []Key{{ID: defaultKeyID, Secret: defaultSecret}}
	}
	return &Server{cfg: cfg, broken: map[string]KMSFailure{}}
}

// URL is where the fake listens, "" for one that [NewHandler] made.
func (s *Server) URL() string { return s.url }

// Now is the time on the fake's clock.
func (s *Server) Now() time.Time { return s.cfg.Clock() }

// SetKeys replaces the keys that the fake knows, as a rotation of credentials
// or the end of a session does.
func (s *Server) SetKeys(keys ...Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Keys = slices.Clone(keys)
}

// SetLag changes [Config.ReadLag] and [Config.ListLag]. All that was written
// before is visible at once: a lag counts from here on, and 0 ends it.
func (s *Server) SetLag(read, list time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.ReadLag, s.cfg.ListLag = read, list
	for _, sec := range s.secrets {
		sec.revisions = []revision{{state: sec.latest()}}
	}
}

// Settings are what a client needs to reach a fake.
type Settings struct {
	// URL is the endpoint: the SDK's BaseEndpoint, or AWS_ENDPOINT_URL_SECRETS_MANAGER.
	URL string
	// Region is the one to sign for.
	Region string
	// AccessKeyID, SecretAccessKey and SessionToken are the fake's first key.
	AccessKeyID, SecretAccessKey, SessionToken string
}

// Settings returns what a client needs, with the first of the fake's keys.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := Settings{URL: s.url, Region: s.cfg.Region}
	if len(s.cfg.Keys) > 0 {
		k := s.cfg.Keys[0]
		set.AccessKeyID, set.SecretAccessKey, set.SessionToken = k.ID, k.Secret, k.SessionToken
	}
	return set
}

// Env returns the settings as the environment that every AWS SDK and the
// command line read, without a look at instance metadata or the user's profiles.
func (s Settings) Env() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": s.URL,
		"AWS_REGION":                       s.Region,
		"AWS_ACCESS_KEY_ID":                s.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":            s.SecretAccessKey,
		"AWS_SESSION_TOKEN":                s.SessionToken,
		"AWS_PROFILE":                      "",
		"AWS_EC2_METADATA_DISABLED":        "true",
		"AWS_CONFIG_FILE":                  os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE":      os.DevNull,
	}
}
