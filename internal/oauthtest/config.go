package oauthtest

import "time"

// Config is what a server does. The functions given to [New] change it after
// its defaults are set, which are in the comments.
type Config struct {
	// AccessTTL is how long access tokens live: an hour. The answer tells it in
	// whole seconds.
	AccessTTL time.Duration

	// CodeTTL is how long an authorization code can be exchanged: a minute.
	CodeTTL time.Duration

	// DeviceTTL is how long a device code can be exchanged, in whole seconds:
	// five minutes.
	DeviceTTL time.Duration

	// DeviceInterval is how long a device waits between two polls, in whole
	// seconds: none is told and none is kept to. One that polls sooner is told to
	// slow down, and must wait five seconds longer from then on (RFC 8628 section
	// 3.5). See also [Server.SlowDown].
	DeviceInterval time.Duration

	// Now is the time by which the polls of devices are held to their interval:
	// time.Now.
	Now func() time.Time

	// NoIssuerAnswer leaves the issuer out of authorization answers, and its
	// promise out of the metadata (RFC 9207). Most servers do.
	NoIssuerAnswer bool

	// NoMetadata leaves RFC 8414's metadata out, so that only OpenID discovery is
	// there.
	NoMetadata bool

	// Proxied puts [Server.Proxy] before the server: all addresses that it tells,
	// its issuer too, are the proxy's.
	Proxied bool
}

func defaults() Config {
	return Config{AccessTTL: time.Hour, CodeTTL: time.Minute, DeviceTTL: 5 * time.Minute, Now: time.Now}
}
