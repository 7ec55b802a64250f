package gcp

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"github.com/lukko-dev/lukko/core"
)

const provider = "gcp"

const (
	// DefaultConcurrency is how many requests a store has in flight at most.
	// They share one HTTP/2 connection.
	DefaultConcurrency = 128

	// DefaultRetries is how often a read is tried again.
	DefaultRetries = 2

	// DefaultTimeout bounds a call with all its attempts.
	DefaultTimeout = 60 * time.Second

	// Settle is what the store claims of how long a read may miss a write. Google
	// names no bound: reads by number see a new version at once, all else
	// "typically" within minutes, and it "may take a few hours"
	// (https://cloud.google.com/secret-manager/docs/reference/consistency).
	Settle = 5 * time.Minute
)

// Old says what becomes of the versions that [Config.KeepVersions] is not for.
type Old string

const (
	// Disable keeps them, unreadable until somebody enables them again. Google
	// bills them like enabled ones.
	Disable Old = "disable"

	// Destroy removes their values for good. They are billed no more.
	Destroy Old = "destroy"
)

// Config says which project, which place and which credentials. Its zero value is
// what the environment says.
type Config struct {
	// Project is the id or the number of a project. Empty: GOOGLE_CLOUD_PROJECT,
	// then the project of the credentials.
	Project string

	// Location, such as europe-west3, makes the store one of regional secrets,
	// which never leave it. Empty: global secrets.
	Location string

	// Endpoint is the host and port of the service. Empty:
	// SECRET_MANAGER_EMULATOR_HOST, then Google's own. One on a loopback
	// address is taken for a stand-in: it is spoken to in clear text and
	// without credentials. All others speak TLS.
	Endpoint string

	// TLS speaks TLS, with credentials, to an Endpoint on a loopback address
	// too, as to the end of a tunnel.
	TLS bool

	// Insecure speaks clear text, and sends no credentials, to an Endpoint that is
	// not on a loopback address.
	Insecure bool

	// Replication is where the values of new secrets are kept: locations such as
	// europe-west3. Empty: automatic, Google decides. Regional secrets have none.
	Replication []string

	// KMSKeys encrypt new secrets: the resource names of one key, or of one for
	// each location of Replication. Empty: Google's own keys.
	KMSKeys []string

	// KeepVersions is how many enabled versions a Set leaves; what OldVersions
	// says happens to those before. 0: all. A Set succeeds if that fails;
	// Pruned is told.
	KeepVersions int

	// OldVersions must be Disable or Destroy where KeepVersions is set.
	OldVersions Old

	// Pruned is called after a Set with the error of disabling or destroying old
	// versions, which is of this package and holds no value. It must be safe for concurrent
	// use. Nil: slog's default logger warns.
	Pruned func(id string, err error)

	// StrictLatest reads what Google calls latest, the newest version, and is
	// core.ErrNotFound where that is disabled or destroyed. Else the newest
	// enabled version is read.
	StrictLatest bool

	// Concurrency is how many requests are in flight at most; more of them
	// wait. 0: DefaultConcurrency.
	Concurrency int

	// Retries is how often a read is tried again, and a write that never left.
	// 0: DefaultRetries; below 0: never.
	Retries int

	// Timeout bounds each call, with all its attempts, beside the caller's
	// context. 0: DefaultTimeout.
	Timeout time.Duration

	// Client, if set, is a client of the caller's that is used in place of one
	// made from the environment, and that the caller closes. Endpoint, TLS and
	// Insecure must be zero then, and a project must be named.
	Client *secretmanager.Client

	// Lookup returns a variable of the environment and whether it is set, as
	// os.LookupEnv does, which is the default.
	Lookup func(name string) (string, bool)
}

// Format prints the settings for every verb, and not the Client, of which some
// verbs would show credentials.
func (cfg Config) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "{Project:%q Location:%q Endpoint:%q TLS:%t Insecure:%t Replication:%q KMSKeys:%q KeepVersions:%d OldVersions:%q StrictLatest:%t Concurrency:%d Retries:%d Timeout:%v Client:%t}",
		cfg.Project, cfg.Location, cfg.Endpoint, cfg.TLS, cfg.Insecure, cfg.Replication, cfg.KMSKeys, cfg.KeepVersions, cfg.OldVersions,
		cfg.StrictLatest, cfg.Concurrency, cfg.Retries, cfg.Timeout, cfg.Client != nil)
}

// New returns a store over Secret Manager. It asks nothing of the network: the
// first call looks for credentials and connects. What is wrong in cfg or in the
// environment is an error that matches core.ErrInvalidOption.
func New(cfg Config) (*core.Store, error) {
	if cfg.Lookup == nil {
		cfg.Lookup = os.LookupEnv
	}
	emulator := ""
	if cfg.Client == nil && cfg.Endpoint == "" {
		emulator, _ = cfg.Lookup("SECRET_MANAGER_EMULATOR_HOST")
		cfg.Endpoint = emulator
	}
	if cfg.Project == "" {
		cfg.Project, _ = cfg.Lookup("GOOGLE_CLOUD_PROJECT")
	}
	if err := cfg.check(emulator != ""); err != nil {
		return nil, err
	}
	creation, err := cfg.creation()
	if err != nil {
		return nil, err
	}
	c := &conn{
		slots:   make(chan struct{}, cmp.Or(cfg.Concurrency, DefaultConcurrency)),
		timeout: cmp.Or(cfg.Timeout, DefaultTimeout),
		retries: max(cmp.Or(cfg.Retries, DefaultRetries), 0),
		pause:   firstPause,
	}
	switch {
	case cfg.Client != nil:
		c.borrowed = &link{client: cfg.Client}
	case cfg.clearText():
		c.connect = func() (*secretmanager.Client, error) { return dialPlain(cfg.Endpoint) }
	default:
		c.login = newLogin(cfg.Lookup)
		c.connect = func() (*secretmanager.Client, error) { return dialGoogle(cfg.endpoint(), c.login) }
	}
	return core.New(provider, &backend{
		conn: c, place: place{project: cfg.Project, location: cfg.Location}, creation: creation,
		strict: cfg.StrictLatest, keep: cfg.KeepVersions, old: cfg.OldVersions, pruned: cfg.Pruned,
	}), nil
}

// A project's id, with the domain that some have before it, or its number; a location.
var (
	projectForm  = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z0-9-]+$`)
	locationForm = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)
	keyForm      = regexp.MustCompile(`^projects/[^/\s]+/locations/([^/\s]+)/keyRings/[^/\s]+/cryptoKeys/[^/\s]+$`)
)

func (cfg Config) check(emulator bool) error {
	whose := "the endpoint"
	if emulator {
		whose = "SECRET_MANAGER_EMULATOR_HOST"
	}
	switch {
	case cfg.Client != nil && (cfg.Endpoint != "" || cfg.TLS || cfg.Insecure):
		return invalid("a Client brings its own endpoint and credentials; Endpoint, TLS and Insecure must be zero beside it")
	case cfg.TLS && cfg.Insecure:
		return invalid("TLS and Insecure can't both be meant")
	case cfg.Client != nil && cfg.Project == "":
		return invalid("a Client does not tell its project; name it, or set GOOGLE_CLOUD_PROJECT")
	case cfg.Project != "" && !projectForm.MatchString(cfg.Project):
		return invalid("the project is no id or number of one; it is like my-project-123, from the URL or GOOGLE_CLOUD_PROJECT")
	case cfg.Location != "" && !locationForm.MatchString(cfg.Location):
		return invalid("the location is none of Google's; it is like europe-west3")
	case cfg.Endpoint != "" && !isEndpoint(cfg.Endpoint):
		return invalid(whose + " is no host and port; it is like localhost:8085")
	case cfg.Endpoint == "" && cfg.Insecure:
		return invalid("clear text goes to an endpoint that is named, and never to Google's own")
	case emulator && !cfg.TLS && !cfg.clearText():
		return invalid("SECRET_MANAGER_EMULATOR_HOST is not on this machine, and an emulator speaks clear text; insecure=true in the URL says that this is meant")
	case cfg.Endpoint != "" && cfg.clearText() && cfg.Project == "":
		return invalid("a stand-in has no credentials that tell the project; name it, or set GOOGLE_CLOUD_PROJECT")
	case cfg.Concurrency < 0, cfg.Timeout < 0, cfg.KeepVersions < 0:
		return invalid("the concurrency, the timeout and the number of versions to keep are not negative")
	case cfg.KeepVersions > 0 && cfg.OldVersions != Disable && cfg.OldVersions != Destroy:
		return invalid("to keep some versions only, say whether the others are to be disabled or destroyed")
	}
	return nil
}

// isEndpoint reports whether s is host:port, and nothing that gRPC would take for
// another way to find a server.
func isEndpoint(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && host != "" && port != "" && !strings.ContainsAny(s, "/?#@% ") && core.Printable(s) == s
}

// clearText reports whether the endpoint is spoken to without TLS.
func (cfg Config) clearText() bool {
	if cfg.Endpoint == "" || cfg.TLS {
		return false
	}
	host, _, _ := net.SplitHostPort(cfg.Endpoint)
	return cfg.Insecure || strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// endpoint is where TLS is spoken; empty: Google's global one, as its client knows
// it.
func (cfg Config) endpoint() string {
	if cfg.Endpoint == "" && cfg.Location != "" {
		// https://cloud.google.com/secret-manager/regional-secrets/create-regional-secret
		return "secretmanager." + cfg.Location + ".rep.googleapis.com:443"
	}
	return cfg.Endpoint
}

func invalid(hint string) error {
	return &core.Error{Op: "open", Provider: provider, Kind: core.ErrInvalidOption, Hint: hint}
}
