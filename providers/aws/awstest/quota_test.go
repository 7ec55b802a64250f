package awstest_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

func (w *world) countVersions(id string) int {
	w.t.Helper()
	n := 0
	p := sm.NewListSecretVersionIdsPaginator(w.Client, &sm.ListSecretVersionIdsInput{SecretId: &id, IncludeDeprecated: aws.Bool(true), MaxResults: aws.Int32(30)})
	for p.HasMorePages() {
		out, err := p.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		n += len(out.Versions)
	}
	return n
}

// reference_limits in the user guide: "Secrets Manager removes unlabeled versions when
// there are more than 100, but it does not remove versions created less than 24 hours ago."
func TestVersionsReachTheirQuotaWithin24HoursAndArePrunedAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "v")
	for i := range 99 {
		w.put("db", fmt.Sprint(i), nil)
		w.clock.Advance(time.Minute)
	}
	_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretString: aws.String("x")})
	wantCode(t, err, "LimitExceededException")
	_, err = w.UpdateSecret(t.Context(), &sm.UpdateSecretInput{SecretId: aws.String("db"), SecretString: aws.String("x")})
	wantCode(t, err, "LimitExceededException")
	if n := w.countVersions("db"); n != 100 {
		t.Fatalf("the secret has %d versions, want 100", n)
	}
	w.wantValue("db", "98")

	w.clock.Advance(day - 97*time.Minute) // the two oldest are of yesterday, the rest younger
	w.put("db", "new", nil)
	if n := w.countVersions("db"); n != 100 {
		t.Errorf("the secret has %d versions, want one removed and one added", n)
	}
	w.clock.Advance(2 * day)
	w.put("db", "newest", nil)
	if n := w.countVersions("db"); n != 100 {
		t.Errorf("the secret has %d versions, want the most recent 100 kept", n)
	}
}

func TestVersionsWithALabelAreNeverPruned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) { c.VersionQuota = 4 })
	w.create("db", "v")
	w.put("db", "kept", token("kept"), "keep")
	for i := range 6 {
		w.clock.Advance(2 * day)
		w.put("db", fmt.Sprint(i), token(fmt.Sprint("n", i)))
	}
	w.wantStages("db", map[string]string{"kept": "keep", "n3": "", "n4": "AWSPREVIOUS", "n5": "AWSCURRENT"})
}

// reference_limits: 20 staging labels "attached across all versions of a secret".
func TestLabelsReachTheirQuotaOverAllVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "v") // AWSCURRENT
	labels := func(from, n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("label-%02d", from+i))
		}
		return out
	}
	w.put("db", "a", token("a"), labels(0, 10)...)
	w.put("db", "b", token("b"), labels(10, 9)...)
	put := func(stages ...string) error {
		_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretString: aws.String("x"), VersionStages: stages})
		return err
	}
	wantCode(t, put("one-more"), "LimitExceededException")
	_, err := w.UpdateSecretVersionStage(t.Context(), &sm.UpdateSecretVersionStageInput{SecretId: aws.String("db"), VersionStage: aws.String("one-more"), MoveToVersionId: token("a")})
	wantCode(t, err, "LimitExceededException")
	if n := w.countVersions("db"); n != 3 {
		t.Errorf("a refused put left %d versions, want 3", n)
	}
	wantCode(t, put("label-00"), "") // moving one adds none
	wantCode(t, put(labels(0, 21)...), "ValidationException")
	wantCode(t, put(""), "ValidationException")
	wantCode(t, put(strings.Repeat("l", 257)), "ValidationException")
}

// reference_limits: 65,536 bytes of value. The API's model has 1 as the least.
func TestValuesHaveUpTo65536Bytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "v")
	text := func(n int) *string { return aws.String(strings.Repeat("x", n)) }
	for name, c := range map[string]struct {
		text   *string
		binary []byte
		code   string
	}{
		"the most text":         {text(65_536), nil, ""},
		"a byte too much":       {text(65_537), nil, "ValidationException"},
		"bytes, not characters": {aws.String(strings.Repeat("ü", 40_000)), nil, "ValidationException"},
		"the most bytes":        {nil, bytes.Repeat([]byte{255}, 65_536), ""},
		"bytes beyond":          {nil, make([]byte, 65_537), "ValidationException"},
		"empty text":            {text(0), nil, "ValidationException"},
		"no bytes":              {nil, []byte{}, "ValidationException"},
		"both":                  {text(1), []byte{1}, "InvalidParameterException"},
		"neither":               {nil, nil, "InvalidRequestException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretString: c.text, SecretBinary: c.binary, VersionStages: []string{"try"}})
			wantCode(t, err, c.code)
		})
	}
	other := newWorld(t, func(c *awstest.Config) { c.ConstraintCode = "InvalidParameterException" })
	_, err := other.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("db"), SecretString: text(65_537)})
	wantCode(t, err, "InvalidParameterException")
}

// The API's model: ClientRequestToken and version ids of 32 to 64 characters.
func TestTokensHave32To64Characters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "v")
	for n, code := range map[int]string{31: "ValidationException", 32: "", 64: "", 65: "ValidationException"} {
		id := strings.Repeat("t", n)
		_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretString: &id, ClientRequestToken: &id})
		wantCode(t, err, code)
		_, err = w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionId: &id})
		wantCode(t, err, code)
	}
	_, err := w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionId: token("none")})
	wantCode(t, err, "ResourceNotFoundException")
}

// API_GetSecretValue: "If you include both this parameter and VersionStage, the two
// parameters must refer to the same secret version."
func TestAVersionAndAStageMustAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "")
	w.put("db", "one", token("v1"))
	w.put("db", "two", token("v2"))
	for stage, code := range map[string]string{"AWSPREVIOUS": "", "AWSCURRENT": "InvalidRequestException", "none": "InvalidRequestException"} {
		_, err := w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionId: token("v1"), VersionStage: &stage})
		wantCode(t, err, code)
	}
}

// reference_limits: secrets in an account and region.
func TestSecretsReachTheirQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) { c.SecretQuota = 2 })
	w.fill(2, "v")
	_, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("more")})
	wantCode(t, err, "LimitExceededException")
	_, err = w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("s000")})
	wantCode(t, err, "ResourceExistsException")
}

// API_TagResource, API_UntagResource, and the general rules for tags.
func TestTagsBelongToTheSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	if _, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("db"), Tags: []types.Tag{tag("team", "shop"), tag("Team", "other")}}); err != nil {
		t.Fatal(err)
	}
	add := func(tags ...types.Tag) error {
		_, err := w.TagResource(t.Context(), &sm.TagResourceInput{SecretId: aws.String("db"), Tags: tags})
		return err
	}
	wantCode(t, add(tag("team", "bank"), tag("new", "")), "")
	for range 2 { // "If a requested tag is not attached to the secret, no error is returned"
		_, err := w.UntagResource(t.Context(), &sm.UntagResourceInput{SecretId: aws.String("db"), TagKeys: []string{"new"}})
		wantCode(t, err, "")
	}
	out, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil || len(out.Tags) != 2 || *out.Tags[0].Value != "bank" || *out.Tags[1].Value != "other" {
		t.Errorf("the tags are %v and %v", out.Tags, err)
	}
	wantCode(t, add(tag("aws:x", "y")), "InvalidParameterException")
	wantCode(t, add(tag("", "y")), "ValidationException")
	wantCode(t, add(tag(strings.Repeat("k", 129), "y")), "ValidationException")
	wantCode(t, add(tag("k", strings.Repeat("v", 257))), "ValidationException")
	var many []types.Tag
	for i := range 49 {
		many = append(many, tag(fmt.Sprint("k", i), "v"))
	}
	wantCode(t, add(many...), "InvalidParameterException")
	wantCode(t, add(many[:48]...), "")
}
