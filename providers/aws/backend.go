package aws

import (
	"cmp"
	"context"
	"net/http"
	"sync/atomic"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/conns"
)

// settle is how long a read may miss a write: the reference of ListSecrets says
// that all operations are eventually consistent, and names five minutes.
const settle = 5 * time.Minute

// backend is a region of Secrets Manager.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/
type backend struct {
	cfg         Config
	client      *secretsmanager.Client
	region      string
	conditions  bool
	standIn     bool // the endpoint may deviate from the reference
	retries     int
	timeout     time.Duration
	concurrency int
	conns       *conns.Set   // nil if the connections are the caller's
	closeIdle   func()       // as above
	noBatch     atomic.Bool  // BatchGetSecretValue is denied or not there
	quota       versionQuota // of versions written
}

// newBackend makes a backend over the settings of a client: each request is sent
// once, by a client whose answers end, and what is sent again is decided here.
func newBackend(cfg Config, theirs *secretsmanager.Client) (*backend, error) {
	b := &backend{
		cfg: cfg, timeout: cmp.Or(cfg.Timeout, DefaultTimeout),
		concurrency: cmp.Or(cfg.Concurrency, DefaultConcurrency),
	}
	o := theirs.Options()
	endpoint := sdk.ToString(o.BaseEndpoint)
	if endpoint != "" {
		if err := checkEndpoint(endpoint, cfg.ClearText); err != nil {
			return nil, err
		}
	}
	b.region = o.Region
	b.conditions = cfg.Conditions == ConditionsOn || cfg.Conditions == ConditionsAuto && isAWS(endpoint)
	b.standIn = cfg.Conditions != ConditionsOn && !isAWS(endpoint)
	b.retries = retriesOf(cfg.Retries, o.Retryer)

	if built, ok := o.HTTPClient.(*awshttp.BuildableClient); ok && cfg.Client == nil {
		t, made := ownTransport(built, b.concurrency)
		b.conns = made
		b.closeIdle = t.CloseIdleConnections
		o.HTTPClient = &http.Client{
			Transport:     t,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	o.HTTPClient = bounded{o.HTTPClient}
	o.RetryMaxAttempts = 1
	if o.Credentials != nil {
		o.Credentials = chain{o.Credentials}
	}
	b.client = secretsmanager.New(o)
	return b, nil
}

// retriesOf is how often a request is sent again.
func retriesOf(wanted int, retryer sdk.Retryer) int {
	switch {
	case wanted < 0:
		return 0
	case wanted > 0:
		return wanted
	case retryer == nil:
		return 2
	}
	attempts := retryer.MaxAttempts()
	if attempts <= 0 { // without a limit, in the SDK
		return 9
	}
	return attempts - 1
}

// Capabilities implements core.Capable. It asks nobody.
func (b *backend) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{
		Set: true, Delete: true, Purge: true, List: true, Versions: true, AtVersion: true,
		IfAbsent: b.conditions, IfVersion: b.conditions, Settle: settle,
	}, nil
}

// Close ends the connections.
func (b *backend) Close() error {
	if b.conns != nil {
		b.conns.Close()
		b.closeIdle()
	}
	return nil
}
