package credentials

import (
	"context"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// State is what can be told of a credential without showing it.
type State string

// The states of a credential.
const (
	StateOK      State = "ok"      // there, and valid; with OAuth2 an account is connected
	StateMissing State = "missing" // not there; with OAuth2 no account is connected
	StateEnded   State = "ended"   // only connecting again mends it: oauth2.ErrReauthorize
	StateInvalid State = "invalid" // there, and not what is declared
	StateUnknown State = "unknown" // the store could not tell: denied, unreachable, …
	StateWrong   State = "wrong"   // the declaration is wrong
)

// Status is what can be told of a credential. It never has the value.
type Status struct {
	Name        string
	DisplayName string
	User        string // whose it is; empty for the application's own
	ID          string // of the secret that holds it
	OAuth2      bool
	Optional    bool // the program does without it, here

	State State

	// Info is what the service says of the value; only the ID, if there is none.
	Info core.Info

	// The rest is of OAuth2. Times are zero where they are not known.
	ExpiresAt     time.Time // of the access token
	Refreshable   bool      // there is a refresh token
	Granted       []string  // scopes; nil if that is not known
	MissingScopes []string  // that are declared and not granted; nil if that is not known
	ConnectedAt   time.Time
	RefreshedAt   time.Time
	LastFailure   error // of the last refresh, as far as this process knows

	// ConnectURL is the page that connects it, as [Config] makes it.
	ConnectURL string

	// Err says why State is missing, ended, invalid, unknown or wrong.
	Err error
}

func (s *Store) status(ctx context.Context, d *definition, user string) (Status, error) {
	return Status{}, nil
}
