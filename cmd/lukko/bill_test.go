package main

import (
	"testing"

	"github.com/lukko-dev/lukko/conformance"
)

func TestTheBillOfALiveCheckIsSaidBeforehand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		provider       string
		secrets, calls int
		want           string
	}{
		{"file", 10, 300, ""},
		{"aws", 0, 0, "by AWS's price list it costs less than $0.01 if it ends within an hour"},
		// 1,200 calls of the API are $0.006, ten secrets $0.0056.
		{"aws", 10, 300, "by AWS's price list it costs at most $0.02 if it ends within an hour"},
		// 40,000 calls are $0.20, 1,000 secrets $0.56.
		{"aws", 1000, 10_000, "by AWS's price list it costs at most $0.76 if it ends within an hour"},
		// 900 calls are $0.0027, 300 versions $0.025.
		{"gcp", 10, 300, "by Google's price list it costs at most $0.03 if it ends within an hour"},
	} {
		if got := bill(test.provider, conformance.Estimate{Secrets: test.secrets, Calls: test.calls}); got != test.want {
			t.Errorf("%s, %d secrets, %d calls: %q, want %q", test.provider, test.secrets, test.calls, got, test.want)
		}
	}
}
