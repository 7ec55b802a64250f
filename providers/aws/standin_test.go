package aws_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// A stand-in that takes a put on a deleted secret would else keep a value that nobody
// can read, and the writer would be told that all is well.
func TestASetOnADeletedSecretOfAStandInCanBeRead(t *testing.T) {
	t.Parallel()
	for _, refuses := range []bool{false, true} {
		fake := awstest.New(t, awstest.Lenient, func(c *awstest.Config) { c.PutWhileDeleted = !refuses })
		cfg := settings(fake, "")
		cfg.Conditions = aws.ConditionsAuto
		store := open(t, cfg)
		set(t, store, "key", "old")
		if err := store.Delete(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
		version := set(t, store, "key", "new")
		want(t, store, "key", "new")
		if all := versionsOf(t, store, "key"); len(all) != 2 || all[0] != version {
			t.Errorf("refusing such puts %t: the versions are %q; want the one named, %q, and the old one", refuses, all, version)
		}
	}
}

// The value is in, and whether it can be read is not known.
func TestASetOnAStandInWhoseStateIsNotKnownIsIndeterminate(t *testing.T) {
	t.Parallel()
	for operation, answer := range map[string]*awstest.APIError{
		"DescribeSecret": nil,
		"RestoreSecret":  {Status: 400, Code: "AccessDeniedException"},
	} {
		fake := awstest.New(t, awstest.Lenient)
		cfg := settings(fake, "")
		cfg.Conditions, cfg.Retries = aws.ConditionsAuto, -1
		store := open(t, cfg)
		set(t, store, "key", "old")
		if err := store.Delete(t.Context(), "key"); err != nil {
			t.Fatal(err)
		}
		fake.Inject(awstest.Fault{Operation: operation, Times: -1, Answer: answer})
		if _, err := store.Set(t.Context(), "key", core.String("new")); !errors.Is(err, core.ErrIndeterminate) {
			t.Errorf("%s fails: got %v, want indeterminate", operation, err)
		}
	}
}

// theirs sends what is meant for AWS to a fake.
type theirs struct{ fake *awstest.Server }

func (c theirs) Do(r *http.Request) (*http.Response, error) {
	at, err := url.Parse(c.fake.Settings().URL)
	if err != nil {
		return nil, err
	}
	r.URL.Scheme, r.URL.Host = at.Scheme, at.Host
	return http.DefaultClient.Do(r)
}

func TestASetAtAWSIsOneCallAndAtAStandInOneMore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		own        bool
		conditions aws.Conditions
		looks      int
	}{
		{"AWS", true, aws.ConditionsAuto, 0},
		{"AWS without conditions", true, aws.ConditionsOff, 0},
		{"an endpoint that is said to be as AWS", false, aws.ConditionsOn, 0},
		{"a stand-in", false, aws.ConditionsAuto, 1},
		{"a stand-in without conditions", false, aws.ConditionsOff, 1},
	} {
		fake := awstest.New(t, func(c *awstest.Config) { c.Auth = awstest.AuthNone })
		cfg := settings(fake, "")
		cfg.Conditions = c.conditions
		if c.own {
			o := bare(t, fake).Options()
			o.BaseEndpoint, o.HTTPClient = nil, theirs{fake}
			cfg = aws.Config{Client: secretsmanager.New(o), Conditions: c.conditions}
		}
		store := open(t, cfg)
		set(t, store, "key", "old")
		fake.ResetCalls()
		set(t, store, "key", "new")
		if puts, all := fake.CountCalls("PutSecretValue"), fake.CountCalls(""); puts != 1 || all != 1+c.looks || fake.CountCalls("DescribeSecret") != c.looks {
			t.Errorf("%s: %d calls, of which %d puts; want one put and %d looks", c.name, all, puts, c.looks)
		}
	}
}

// Who may not look, or has nothing to look with, still writes.
func TestASetOnAStandInThatCannotBeLookedAtIsDone(t *testing.T) {
	t.Parallel()
	for _, answer := range []awstest.APIError{
		{Status: 400, Code: "AccessDeniedException"},
		{Status: 400, Code: "ResourceNotFoundException"},
		{Status: 501, Code: "InternalFailure"},
	} {
		fake := awstest.New(t, awstest.Lenient)
		cfg := settings(fake, "")
		cfg.Conditions, cfg.Retries = aws.ConditionsAuto, -1
		store := open(t, cfg)
		set(t, store, "key", "old")
		fake.Inject(awstest.Fault{Operation: "DescribeSecret", Times: -1, Answer: &answer})
		set(t, store, "key", "new")
		want(t, store, "key", "new")
	}
}

func TestASetOnAStandInThatDoesNotRestoreAtOnceGoesOn(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t, awstest.Lenient)
	cfg := settings(fake, "")
	cfg.Conditions = aws.ConditionsAuto
	store := open(t, cfg)
	set(t, store, "key", "old")
	if err := store.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	fake.Inject(awstest.Fault{Operation: "RestoreSecret", Times: 2, Answer: &awstest.APIError{Status: 400, Code: "InvalidRequestException"}})
	set(t, store, "key", "new")
	want(t, store, "key", "new")
}
