// Package storage keeps orders, and who is signed in. It declares what it
// needs for that.
package storage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// Database is an account of the database.
type Database struct {
	User     core.Value `json:"user"`
	Password core.Value `json:"password" jsonschema:"minLength=12"`
}

var Account = schema.Declare[Database](schema.Spec{
	Name: "database", ID: "DATABASE_ACCOUNT",
	DisplayName: "Database account", Description: "The account that the shop works with.",
	RotationPeriod: 30 * 24 * time.Hour,
})

var SessionKey = schema.Declare[core.Value](schema.Spec{
	Name: "session-key", ID: "SESSION_KEY",
	Description: "Signs the cookies of sessions.", Generate: "random:32",
})

var BackupKey = schema.Declare[core.Value](schema.Spec{
	Name: "backup-key", ID: "BACKUP_KEY",
	Description: "Encrypts backups, which are made in production only.",
	RequiredIn:  []string{"production"}, Generate: "random",
})

var Host = schema.DeclareVariable[string](schema.Spec{
	Name: "database-host", ID: "DATABASE_HOST",
	Description: "Host and port of the database.",
})

var MaxConnections = schema.DeclareVariable[int](schema.Spec{
	Name: "database-connections", ID: "DATABASE_CONNECTIONS",
	Schema: []byte(`{"type": "integer", "minimum": 1, "maximum": 100, "default": 10}`),
})

// Config is what a Store works with.
type Config struct {
	Account        func() Database
	SessionKey     func() core.Value
	BackupKey      func() (core.Value, bool)
	Host           func() string
	MaxConnections func() int
}

// Store keeps orders. It is safe for concurrent use.
type Store struct {
	Config
	mu     sync.Mutex
	orders []string
}

// Add keeps an order.
func (s *Store) Add(order string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, order)
}

// Orders returns the orders.
func (s *Store) Orders() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.orders...)
}

// DSN is how a driver of PostgreSQL connects now. It holds the password: it
// goes to the driver, and nowhere else.
func (s *Store) DSN() core.Value {
	account := s.Account()
	u := url.URL{
		Scheme: "postgres", Host: s.Host(), Path: "/shop",
		User:     url.UserPassword(account.User.Reveal(), account.Password.Reveal()),
		RawQuery: "pool_max_conns=" + strconv.Itoa(s.MaxConnections()),
	}
	return core.String(u.String())
}

// Session makes the cookie of a user's session.
func (s *Store) Session(user string) string {
	mac := hmac.New(sha256.New, s.SessionKey().RevealBytes())
	mac.Write([]byte(user))
	return user + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// HasBackups reports whether backups can be made here.
func (s *Store) HasBackups() bool {
	_, ok := s.BackupKey()
	return ok
}

// Reachable reports whether the address of the database is one.
func (s *Store) Reachable() error {
	_, _, err := net.SplitHostPort(s.Host())
	return err
}
