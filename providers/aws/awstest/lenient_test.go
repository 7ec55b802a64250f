package awstest_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// localstack/localstack#5299, #10661, getmoto/moto#4851, #4906, #9451: what local
// stand-ins do or did.
func TestALenientFakeDeviatesAsStandInsDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awstest.Lenient)
	w.create("db", "one")
	w.put("db", "two", token("v2"), "AWSPENDING")
	w.wantValue("db", "two") // the newest version, whatever its labels
	read := func(stage string) string {
		t.Helper()
		out, err := w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionStage: &stage})
		wantCode(t, err, "")
		return *out.SecretString
	}
	if got := read("AWSCURRENT"); got != "one" {
		t.Errorf("AWSCURRENT by name reads %q, want what has the label", got)
	}

	again := w.put("db", "other", token("v2")) // a token in use for another value
	if *again.VersionId == *token("v2") {
		t.Error("the token became the version's id")
	}
	if _, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("db"), SecretString: aws.String("one")}); err == nil {
		t.Error("a second secret of one name was created")
	}

	_, err := w.UpdateSecretVersionStage(t.Context(), &sm.UpdateSecretVersionStageInput{
		SecretId: aws.String("db"), VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: again.VersionId, RemoveFromVersionId: token("wrong"),
	})
	wantCode(t, err, "")

	_, err = w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: []string{"db"}})
	wantCode(t, err, "InternalFailure")
	var res *smithyhttp.ResponseError
	if !errors.As(err, &res) || res.HTTPStatusCode() != http.StatusNotImplemented {
		t.Errorf("a batch answers %v, want 501", err)
	}

	w.create("first", "")
	w.put("first", "x", nil, "staged")
	about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("first")})
	wantCode(t, err, "")
	for _, stages := range about.VersionIdsToStages {
		if len(stages) != 1 || stages[0] != "staged" {
			t.Errorf("the first put has %v, want the label it named", stages)
		}
	}

	for i := range 120 {
		w.put("first", fmt.Sprint(i), nil)
	}
	if n := w.countVersions("first"); n != 121 {
		t.Errorf("there are %d versions, want all 121", n)
	}
	wantCode(t, w.purge("first"), "")
	w.create("first", "at once")
	w.wantValue("first", "at once")

	w.Client = client(t, w.Server, func(o *sm.Options) { o.Credentials, o.Region = keys("test", "test", ""), "elsewhere" })
	w.wantValue("first", "at once") // no signature is checked
}

// moto 5.2.3: put_secret_value does not look at the date of a deletion.
func TestAPutOnADeletedSecretCanBeTakenAndLeavesItDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awstest.Lenient)
	w.create("db", "one")
	w.deleteFor("db", 7)
	w.put("db", "two", nil)
	_, err := w.get("db")
	wantCode(t, err, "InvalidRequestException")
	_, err = w.RestoreSecret(t.Context(), &sm.RestoreSecretInput{SecretId: aws.String("db")})
	wantCode(t, err, "")
	w.wantValue("db", "two")
}

// localstack/localstack#10086: "All unlabeled versions are removed immediately".
func TestVersionsCanGoWithTheirLastLabel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) { c.DropUnlabelled = true })
	w.create("db", "")
	for _, v := range []string{"v1", "v2", "v3"} {
		w.put("db", v, token(v))
	}
	w.wantStages("db", map[string]string{"v2": "AWSPREVIOUS", "v3": "AWSCURRENT"})
}

func TestADeviationCanBeTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awstest.Lenient, func(c *awstest.Config) { c.NoBatch = false })
	w.fill(3, "v")
	out, err := w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: []string{"s000", "s002"}})
	if err != nil || len(out.SecretValues) != 2 {
		t.Errorf("the batch has %v and %v", out, err)
	}
}
