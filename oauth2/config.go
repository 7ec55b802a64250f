package oauth2

import (
	"net/http"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// Config is what a [Client] is made of.
type Config struct {
	// Name is the credential's, for errors and events; User is whose account it
	// is, empty for the application's own.
	Name, User string

	Settings Settings

	// SecretID is the id of the application's secret, an [App]. TokenSecretID is
	// the id of the tokens, a [Token]; beside it stands TokenSecretID +
	// [ClaimSuffix].
	SecretID, TokenSecretID string

	// Service has the tokens; it is written to. Apps has the application's
	// secret; nil is Service. Both are closed by their owner.
	Service core.SecretService
	Apps    core.SecretService

	// Connect is the way to connect the account, for errors: a command such as
	// "lukko oauth connect github", or the address of a page. Empty is that
	// command, with "--user USER" for an account of a user.
	Connect string

	// OneProcess says that no other process refreshes these tokens. It must be
	// said where the store has no conditional writes (IfVersion and IfAbsent):
	// without it, connecting and refreshing there is refused. Where the store has
	// them it changes nothing.
	OneProcess bool

	// Transport carries the requests of the API; nil is http.DefaultTransport.
	// Endpoints carries those to the provider's own endpoints, each of which
	// has a limit of 30 s; nil is http.DefaultTransport.
	Transport http.RoundTripper
	Endpoints http.RoundTripper

	// Discovery is what clients of other accounts have found of the issuer of
	// Settings, and may be of several issuers; nil is none. Who shares one shares
	// what Endpoints and Clock of the first to ask have brought.
	Discovery *Discovery

	// OnEvent is told of each refresh, takeover and refusal, from the goroutine
	// that did it; it must be quick, and must not call the Client. Nil tells
	// nobody.
	OnEvent func(Event)

	// Clock is for tests; nil is the machine's.
	Clock Clock
}

// ClaimSuffix is what the id of the claim has after that of the tokens. The
// claim is a secret of its own, so that it takes none of the few versions that
// a store keeps of the tokens.
const ClaimSuffix = "_CLAIM"

// Event is something that a [Client] did by itself. It holds no secret.
type Event struct {
	Kind EventKind
	Name string        // of the credential
	User string        // whose account it is; empty for the application's own
	Took time.Duration // from the wish to refresh to its end
	Err  error         // why it failed
}

// EventKind is what an [Event] tells of.
type EventKind string

// The kinds of events.
const (
	EventRefreshed   EventKind = "refreshed"   // this process asked the provider and has stored the answer
	EventAdopted     EventKind = "adopted"     // another process stored other tokens: it refreshed them, or the account was connected anew
	EventTakenOver   EventKind = "taken over"  // a claim was not ended by whoever made it, and is now ours
	EventFailed      EventKind = "failed"      // a refresh failed in a way that may pass, or its answer could not be stored yet
	EventReauthorize EventKind = "reauthorize" // the provider refused the refresh token
	EventDiscarded   EventKind = "discarded"   // what we got is not stored, as the account was connected anew or disconnected meanwhile
)

// Clock tells the time, and waits.
type Clock interface {
	// Now returns the time, with a monotonic reading.
	Now() time.Time
	// After sends once the duration has passed on the monotonic clock.
	After(time.Duration) <-chan time.Time
}

// check lists what is wrong, by field and without what stands there.
func (cfg Config) check() error {
	wrong := func(hint string, err error) error {
		return &Error{Op: "open", Name: cfg.Name, User: cfg.User, Kind: core.ErrInvalidValue, Hint: hint, Err: err}
	}
	if err := cfg.Settings.Check(); err != nil {
		e := *err.(*Error) //nolint:errorlint,forcetypeassert // as Check says
		e.Name, e.User = cfg.Name, cfg.User
		return &e
	}
	switch {
	case cfg.Service == nil:
		return wrong("Config.Service is nil: it must be a store that has the tokens", nil)
	case core.CheckID(cfg.SecretID) != nil:
		return wrong("Config.SecretID is no id of a secret", nil)
	case core.CheckID(cfg.TokenSecretID) != nil || core.CheckID(cfg.TokenSecretID+ClaimSuffix) != nil:
		return wrong("Config.TokenSecretID is no id of a secret, or too long: the id of the claim is 6 bytes longer", nil)
	case cfg.SecretID == cfg.TokenSecretID || cfg.SecretID == cfg.TokenSecretID+ClaimSuffix:
		return wrong("Config.SecretID and Config.TokenSecretID must be two secrets", nil)
	}
	return nil
}
