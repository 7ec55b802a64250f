package aws_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// A read beside that of the SDK: from the fake, and from a handler that costs next
// to nothing, which shows the client's own share.
//
//bench:ratio BenchmarkGet/fake BenchmarkBareGet/fake 1.15
//bench:ratio BenchmarkGet/handler BenchmarkBareGet/handler 1.15

const (
	benchID    = "stripe/credentials"
	benchValue = `{"apiKey":"sk_test_0123456789abcdef0123456789abcdef","webhookSecret":"whsec_0123456789abcdef0123456789abcdef"}`
	linkRTT    = 20 * time.Millisecond
)

// benchFake is a fake with one secret, and a handler that always gives its answer.
func benchFake(t testing.TB) (fake *awstest.Server, handler string) {
	t.Helper()
	fake = awstest.New(t)
	if _, err := fake.Set(benchID, benchValue); err != nil {
		t.Fatal(err)
	}
	var recorded []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if recorded == nil { // requests come one after the other
			rec := httptest.NewRecorder()
			fake.ServeHTTP(rec, r)
			recorded = rec.Body.Bytes()
		} else {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = w.Write(recorded)
	}))
	t.Cleanup(s.Close)
	return fake, s.URL
}

// bareAt is the SDK's client at an address, as programs make it.
func bareAt(fake *awstest.Server, at string) *secretsmanager.Client {
	s := fake.Settings()
	return secretsmanager.NewFromConfig(sdk.Config{
		Region: s.Region, BaseEndpoint: &at,
		Credentials: sdk.NewCredentialsCache(credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, "")),
	})
}

func gets(t testing.TB, fake *awstest.Server, at string) (ours, theirs func() error) {
	t.Helper()
	store := open(t, settings(fake, at))
	client := bareAt(fake, at)
	return func() error {
			_, err := store.Get(t.Context(), benchID)
			return err
		}, func() error {
			_, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: sdk.String(benchID)})
			return err
		}
}

func overBoth(b *testing.B, which func(ours, theirs func() error) func() error) {
	fake, handler := benchFake(b)
	for name, at := range map[string]string{"fake": fake.URL(), "handler": handler} {
		b.Run(name, func(b *testing.B) {
			get := which(gets(b, fake, at))
			b.ReportAllocs()
			for b.Loop() {
				if err := get(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	overBoth(b, func(ours, _ func() error) func() error { return ours })
}

func BenchmarkBareGet(b *testing.B) {
	overBoth(b, func(_, theirs func() error) func() error { return theirs })
}

// coldRead is how long a new store takes to read many secrets.
func coldRead(t testing.TB, fake *awstest.Server, proxy *faultproxy.Proxy, ids []string) time.Duration {
	t.Helper()
	start := time.Now()
	store := open(t, settings(fake, "http://"+proxy.Addr()))
	readMany(t, store, ids)
	took := time.Since(start)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return took
}

// The same as the count of waves, as a time: what a link of so many milliseconds
// costs, beyond what the machine needs without it.
func TestAHundredSecretsColdOverALinkTakeThreeRoundTripsTime(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	ids := many(t, fake, 100)
	proxy := faultproxy.New(t, fake.URL())
	near, far := time.Hour, time.Hour
	for round := 1; ; round++ {
		proxy.Delay(0)
		proxy.DelayConnect(0)
		near = min(near, coldRead(t, fake, proxy, ids))
		proxy.Delay(linkRTT)
		proxy.DelayConnect(linkRTT)
		far = min(far, coldRead(t, fake, proxy, ids))
		if far-near <= 3*linkRTT {
			t.Logf("round %d: %v, and %v without the link", round, far, near)
			return
		}
		if round == 10 {
			t.Fatalf("%v in the best of %d rounds, and %v without the link: that is more than 3 round trips of %v", far, round, near, linkRTT)
		}
	}
}

func BenchmarkManyCold(b *testing.B) {
	fake := awstest.New(b)
	ids := many(b, fake, 100)
	proxy := faultproxy.New(b, fake.URL())
	proxy.Delay(linkRTT)
	proxy.DelayConnect(linkRTT)
	best := time.Hour
	for b.Loop() {
		best = min(best, coldRead(b, fake, proxy, ids))
	}
	b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
}

// A List holds one page, however many secrets there are: what lives in the middle of
// a long one is no more than in the middle of a short one, within a page or
// two.
func TestAListOfTenThousandTakesConstantMemory(t *testing.T) {
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var from int
		if i := indexAfter(string(body), `"NextToken":"`); i >= 0 {
			_, _ = fmt.Sscanf(string(body)[i:], "%d", &from)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, `{"SecretList":[`)
		for i := range 100 {
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, `{"Name":"secret-%05d","Description":"%0200d","SecretVersionsToStages":{"%032d":["AWSCURRENT"]}}`, from+i, 0, from+i)
		}
		fmt.Fprint(w, `]`)
		if from+100 < 10_000 {
			fmt.Fprintf(w, `,"NextToken":"%d"`, from+100)
		}
		fmt.Fprint(w, `}`)
	}))
	defer pages.Close()
	store := open(t, settings(awstest.New(t), pages.URL))
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	n := 0
	for info, err := range store.List(t.Context(), "secret-") {
		if err != nil || info.Version == "" {
			t.Fatal(err)
		}
		switch n++; n {
		case 1000:
			early = live()
		case 9900:
			if late := live(); late > early+256<<10 {
				t.Errorf("%d bytes live after 9,900 secrets, and %d after 1,000", late, early)
			}
		}
	}
	if n != 10_000 {
		t.Errorf("%d secrets", n)
	}
}

func indexAfter(s, what string) int {
	for i := 0; i+len(what) <= len(s); i++ {
		if s[i:i+len(what)] == what {
			return i + len(what)
		}
	}
	return -1
}
