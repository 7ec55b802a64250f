package awstest_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// API_CreateSecret, Name: "ASCII letters, numbers, and the following
// characters: /_+=.@-", 1 to 512 of them.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, code := range map[string]string{
		"a":                      "",
		"Valid/_+=.@-Name":       "",
		"/leading":               "",
		strings.Repeat("n", 512): "",
		strings.Repeat("n", 513): "ValidationException",
		"":                       "ValidationException",
		"with space":             "ValidationException",
		"ünïcode":                "ValidationException",
		"colon:":                 "ValidationException",
		"line\n":                 "ValidationException",
		"star*":                  "ValidationException",
	} {
		_, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: &name})
		if err == nil && code == "" {
			continue
		}
		wantCode(t, err, code)
	}
}

// API_CreateSecret: a hyphen and six random characters end the ARN.
// "Finding a secret from a partial ARN" in the user guide's troubleshooting page.
func TestSecretsAreFoundByNameFullAndPartialARN(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := *w.create("MySecret", "plain").ARN
	hyphen := *w.create("MySecret-abcdef", "hyphen").ARN
	const prefix = "arn:aws:secretsmanager:us-east-1:111122223333:secret:"
	if !regexp.MustCompile(`^` + prefix + `MySecret-[A-Za-z0-9]{6}$`).MatchString(plain) {
		t.Fatalf("the ARN is %s", plain)
	}
	for id, want := range map[string]string{
		"MySecret":               "plain",
		plain:                    "plain",
		prefix + "MySecret":      "plain", // partial
		"MySecret-abcdef":        "hyphen",
		hyphen:                   "hyphen",
		hyphen[:len(hyphen)-7]:   "", // partial, but looks complete
		plain[len(prefix):]:      "", // a friendly name must not have the suffix
		prefix + "MySec":         "",
		prefix + "Nothing-abcde": "",
		prefix:                   "",
		"mysecret":               "", // names keep their case
		strings.Replace(plain, "us-east-1", "eu-west-1", 1):        "",
		strings.Replace(plain, "111122223333", "999999999999", 1):  "",
		strings.Replace(plain, ":secretsmanager:", ":ssm:", 1):     "",
		strings.Replace(plain, "arn:aws:", "arn:aws-cn:", 1):       "",
		"arn:aws:secretsmanager:us-east-1:111122223333:other:x":    "",
		strings.TrimSuffix(plain, plain[len(plain)-1:]):            "",
		prefix + "MySecret" + plain[len(prefix)+len("MySecret"):]:  "plain",
		prefix + "MySecret-abcdef" + hyphen[len(hyphen)-7:] + "x":  "",
		prefix + "MySecret-abcdef" + hyphen[len(hyphen)-7:]:        "hyphen",
		strings.Replace(prefix, "us-east-1", "", 1) + "MySecret":   "",
		strings.Replace(prefix, "111122223333", "", 1) + "MySecre": "",
	} {
		got, err := w.get(id)
		if want == "" {
			if wantCode(t, err, "ResourceNotFoundException"); err == nil {
				t.Errorf("%s reads %q, want nothing", id, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s reads %q and %v, want %q", id, got, err, want)
		}
	}
	for _, id := range []string{"", strings.Repeat("n", 2049)} {
		_, err := w.get(id)
		wantCode(t, err, "ValidationException")
	}
}

// The page of SecretId: "To retrieve a secret from another account, you must use an ARN."
func TestAnotherAccountsSecretNeedsItsFullARN(t *testing.T) {
	t.Parallel()
	own := awstest.Key{ID: "AKIDOWN", Secret: "own"}
	other := awstest.Key{ID: "AKIDOTHER", Secret: "other", Account: "444455556666"}
	w := newWorld(t, func(c *awstest.Config) { c.Keys = []awstest.Key{own, other} })
	theirs := &world{Server: w.Server, t: t, clock: w.clock, Client: client(t, w.Server, func(o *sm.Options) {
		o.Credentials = keys(other.ID, other.Secret, "")
	})}
	arn := *theirs.create("shared", "theirs").ARN
	if !strings.Contains(arn, ":444455556666:") {
		t.Fatalf("the ARN is %s, want the account of its key", arn)
	}
	theirs.wantValue("shared", "theirs")
	w.wantValue(arn, "theirs")
	for _, id := range []string{"shared", arn[:len(arn)-7]} {
		_, err := w.get(id)
		wantCode(t, err, "ResourceNotFoundException")
	}
	w.create("shared", "ours") // the name is free here
	w.wantValue("shared", "ours")
	list, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{})
	if err != nil || len(list.SecretList) != 1 {
		t.Errorf("the list has %v and %v, want the own account's secret alone", list, err)
	}
	_, err = w.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String(arn)})
	wantCode(t, err, "")
}
