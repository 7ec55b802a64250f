package awstest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// API_ListSecrets: "All Secrets Manager operations are eventually consistent.
// ListSecrets might not reflect changes from the last five minutes. You can get more
// recent information for a specific secret by calling DescribeSecret."
func TestReadsMayMissAWriteForATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) { c.ReadLag, c.ListLag = 10*time.Second, 5*time.Minute })
	w.create("db", "one")
	_, err := w.get("db")
	wantCode(t, err, "ResourceNotFoundException")
	_, err = w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("db")})
	wantCode(t, err, "ResourceExistsException") // writes know

	w.clock.Advance(10 * time.Second)
	w.wantValue("db", "one")
	if got := w.list(sm.ListSecretsInput{}); len(got) != 0 {
		t.Errorf("the list has %v already", got)
	}
	batch, err := w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{Filters: []types.Filter{{Key: "name", Values: []string{"db"}}}})
	if err != nil || len(batch.SecretValues) != 0 {
		t.Errorf("a batch by filter has %v and %v already", batch, err)
	}

	w.put("db", "two", token("v2"))
	w.wantValue("db", "one")
	w.clock.Advance(5 * time.Second)
	w.put("db", "three", token("v3"))
	w.clock.Advance(5 * time.Second)
	w.wantValue("db", "two")
	about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil || strings.Join(about.VersionIdsToStages[*token("v2")], " ") != "AWSCURRENT" {
		t.Errorf("DescribeSecret has %v and %v, want the state of a read", about.VersionIdsToStages, err)
	}
	_, err = w.UpdateSecretVersionStage(t.Context(), &sm.UpdateSecretVersionStageInput{
		SecretId: aws.String("db"), VersionStage: aws.String("AWSCURRENT"), RemoveFromVersionId: token("v2"), MoveToVersionId: token("v3"),
	})
	wantCode(t, err, "InvalidParameterException") // the move is checked against the truth

	w.clock.Advance(5 * time.Second)
	w.wantValue("db", "three")
	w.clock.Advance(5 * time.Minute)
	if got := w.list(sm.ListSecretsInput{}); len(got) != 1 {
		t.Errorf("the list has %v after its lag", got)
	}
	w.deleteFor("db", 7)
	w.wantValue("db", "three")
	w.clock.Advance(10 * time.Second)
	_, err = w.get("db")
	wantCode(t, err, "InvalidRequestException")
}

func TestALagCanBeginAndEndWhileTheFakeRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	w.put("db", "two", nil)
	w.SetLag(time.Minute, 0)
	w.wantValue("db", "two")
	w.put("db", "three", nil)
	w.wantValue("db", "two")
	w.SetLag(0, 0)
	w.wantValue("db", "three")
	if !w.Now().Equal(start) {
		t.Error("the fake does not tell the time of its clock")
	}
}
