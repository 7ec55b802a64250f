package credentials

import (
	"net/http"
	"os"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// Config is what a [Store] is made of.
type Config struct {
	// Secrets has what is written as the program runs: the tokens of OAuth2, and
	// all that users have.
	Secrets core.SecretService

	// Apps has what the program is given: the application's secrets of OAuth2,
	// and the application's own keys. Nil is Secrets.
	Apps core.SecretService

	// Set has the declarations; nil is [Default]. A Store works with those of
	// its set only.
	Set *Set

	// ConnectURL makes the address of the page where an account is connected or
	// a key is stored, for a credential's name and a user, who is empty for
	// the application's own. It is for errors and must be quick; nil, or an
	// empty answer, is none.
	ConnectURL func(name, user string) string

	// Environment is the name of the environment that this is, for what is
	// required in some only; empty, it is LUKKO_ENV.
	Environment string

	// Clients is how many OAuth2 clients are kept ready that nobody holds; 0 is
	// [DefaultClients].
	Clients int

	// Strict refuses the requests of a key's HTTP client that go to hosts that
	// are not declared; else they go without the key. See package
	// oauth2/httpauth.
	Strict bool

	// OneProcess, Transport, Endpoints, OnEvent and Clock are as
	// [oauth2.Config] has them. Transport also carries the requests that a
	// key is sent with.
	OneProcess bool
	Transport  http.RoundTripper
	Endpoints  http.RoundTripper
	OnEvent    func(oauth2.Event)
	Clock      oauth2.Clock
}

// DefaultClients is how many OAuth2 clients are kept ready that nobody holds.
const DefaultClients = 1024

// Store keeps the declared credentials of a [Set]. It is safe for concurrent
// use. Its owner closes it.
type Store struct {
	*shared
	scope *scope // nil: all of the set
}

// shared is what a Store and its scopes have in common.
type shared struct {
	cfg        Config
	set        *Set
	oneService bool // Apps is Secrets
	clients    clients
	discovery  oauth2.Discovery // for all clients: each issuer is asked once
}

// New makes a Store. It does no I/O, and a declaration that is wrong, or a
// provider that isn't configured, is no error of it: see [Store.Check].
func New(cfg Config) (*Store, error) {
	if cfg.Secrets == nil {
		return nil, &core.Error{
			Op: "open", Provider: provider, Kind: core.ErrInvalidOption,
			Hint: "Config.Secrets is nil; open a store with core.Open or a provider",
		}
	}
	one := cfg.Apps == nil
	if one {
		cfg.Apps = cfg.Secrets
	}
	if cfg.Set == nil {
		cfg.Set = Default
	}
	if cfg.Clients <= 0 {
		cfg.Clients = DefaultClients
	}
	if cfg.Environment == "" {
		cfg.Environment = os.Getenv("LUKKO_ENV")
	}
	s := &shared{cfg: cfg, set: cfg.Set, oneService: one}
	s.clients.init(cfg.Clients)
	return &Store{shared: s}, nil
}

const provider = "credentials"

// Close ends what the Store does by itself; its clients, also those that are
// held, are closed. The services are closed by their owner. Close of a scope
// closes nothing.
func (s *Store) Close() error {
	if s.scope != nil {
		return nil
	}
	return s.clients.close()
}

// Declarations returns the set that the Store works with.
func (s *Store) Declarations() *Set { return s.set }

// values is the service that has the value of d.
func (s *Store) values(d *definition) core.SecretService {
	if d.perUser || d.spec.OAuth2 != nil {
		return s.cfg.Secrets
	}
	return s.cfg.Apps
}

// connectURL is the page where d is connected for a user.
func (s *Store) connectURL(d *definition, user string) string {
	if s.cfg.ConnectURL == nil {
		return ""
	}
	return s.cfg.ConnectURL(d.spec.Name, user)
}

// now is the time.
func (s *Store) now() time.Time {
	if s.cfg.Clock == nil {
		return time.Now()
	}
	return s.cfg.Clock.Now()
}

// ready says why the Store can't be used, for the operation op.
func (s *Store) ready(op string) error {
	if s == nil || s.shared == nil {
		return &core.Error{
			Op: op, Provider: provider, Kind: core.ErrInvalidOption,
			Hint: "the store of credentials is nil; make one with credentials.New",
		}
	}
	return s.clients.open(op)
}

// permit says why d can't be used with the Store, for the operation op.
func (s *Store) permit(op string, d *definition) error {
	if err := s.ready(op); err != nil {
		return err
	}
	if err := s.scope.permit(op, d); err != nil {
		return err
	}
	if d.set != s.set {
		return errorOf([]schema.Problem{d.wrong("it is not declared in the set that the store works with")})
	}
	return d.check()
}

// permitUser is permit for the credential of a user.
func (s *Store) permitUser(op string, d *definition, user string) error {
	if user == "" {
		return &noUserError{op: op, name: d.spec.Name}
	}
	return s.permit(op, d)
}
