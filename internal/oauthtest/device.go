package oauthtest

import (
	"context"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// device is a device's request: RFC 8628.
type device struct {
	op.DeviceAuthorizationState
	code, userCode string
	polled         time.Time
	interval       time.Duration
	spent          bool
}

func (s *storage) StoreDeviceAuthorization(_ context.Context, clientID, code, userCode string, expires time.Time, scopes []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var granted []string
	for _, scope := range scopes {
		if c := s.clients[clientID]; c != nil && (c.IsScopeAllowed(scope) || scope == oidc.ScopeOpenID || scope == oidc.ScopeOfflineAccess) {
			granted = append(granted, scope)
		}
	}
	s.devices[code] = &device{
		DeviceAuthorizationState: op.DeviceAuthorizationState{ClientID: clientID, Scopes: granted, Expires: expires},
		code:                     code,
		interval:                 s.cfg.DeviceInterval,
		userCode:                 userCode,
	}
	return nil
}

// GetDeviceAuthorizatonState is one poll. The library tells a device to slow down
// where the storage was too slow.
func (s *storage) GetDeviceAuthorizatonState(_ context.Context, clientID, code string) (*op.DeviceAuthorizationState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.devices[code]
	if !ok || d.ClientID != clientID || d.spent {
		return nil, errUnknown
	}
	now := s.cfg.Now()
	soon := !d.polled.IsZero() && now.Sub(d.polled) < d.interval
	d.polled = now
	if s.slow > 0 {
		s.slow--
		soon = true
	}
	if soon {
		if d.interval > 0 {
			d.interval += 5 * time.Second
		}
		return nil, context.DeadlineExceeded
	}
	state := d.DeviceAuthorizationState
	return &state, nil
}

// decideDevice is the user's word on a device.
func (s *storage) decideDevice(userCode, user string, yes bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		if d.userCode == userCode && !d.Done && !d.Denied {
			d.Done, d.Denied, d.Subject, d.AuthTime = yes, !yes, user, time.Now()
			return true
		}
	}
	return false
}

// redeemDevice begins the family of a device code, once. The library doesn't say which
// code a state is of, and the caller has the lock.
func (s *storage) redeemDevice(state *op.DeviceAuthorizationState) (*family, error) {
	for _, d := range s.devices {
		if !d.spent && d.Done && d.ClientID == state.ClientID && d.Subject == state.Subject && d.Expires.Equal(state.Expires) {
			d.spent = true
			s.count(d.Subject).Devices++
			return s.begin(d.Subject, d.ClientID, d.Scopes), nil
		}
	}
	return nil, oidc.ErrInvalidGrant()
}

// SlowDown tells the next n polls of devices to slow down, however late they come.
func (s *Server) SlowDown(n int) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.slow = n
}

// ExpireDevices ends all device codes now.
func (s *Server) ExpireDevices() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, d := range s.store.devices {
		d.Expires = time.Now().Add(-time.Second)
	}
}
