package aws

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/lukko-dev/lukko/core/conns"
)

// maxAnswer bounds an answer: twenty values of 64 KiB are at most six times as
// long in JSON.
const maxAnswer = 16 << 20

// credentialsHTTPClient is what the SDK reaches STS, SSO and the like with, once
// an hour or so. Its connections end with each answer, since nobody closes them
// with the store. It is a BuildableClient, as AWS_CA_BUNDLE asks for.
func credentialsHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true })
}

// ownTransport makes the transport of a store of the one that the SDK has
// configured, with proxies and authorities: with as many connections as requests may be
// in flight, all of which end with the store.
func ownTransport(theirs *awshttp.BuildableClient, concurrency int) (*http.Transport, *conns.Set) {
	t := theirs.GetTransport()
	t.DisableKeepAlives = false
	dialer := theirs.GetDialer()
	// A connection that is being opened counts as one of the few there may be.
	dialer.Timeout = min(dialer.Timeout, 10*time.Second)
	made := conns.New(dialer)
	t.DialContext = made.DialContext
	t.MaxConnsPerHost = concurrency
	t.MaxIdleConns = concurrency
	t.MaxIdleConnsPerHost = concurrency
	t.ForceAttemptHTTP2 = true
	t.MaxResponseHeaderBytes = 1 << 20
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second}
	return t, made
}

// bounded is an HTTP client whose answers end, and which tells whether a request
// had a connection that it could have gone over.
type bounded struct{ next secretsmanager.HTTPClient }

type sentKey struct{}

// watchSending returns a context whose request notes in sent that it may have
// left.
func watchSending(ctx context.Context, sent *atomic.Bool) context.Context {
	return context.WithValue(ctx, sentKey{}, sent)
}

func (b bounded) Do(r *http.Request) (*http.Response, error) {
	if sent, ok := r.Context().Value(sentKey{}).(*atomic.Bool); ok {
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
		}))
	}
	resp, err := b.next.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Nobody asked for that; its body is the connection, which need not end.
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}
