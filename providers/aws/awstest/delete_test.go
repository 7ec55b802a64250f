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

const day = 24 * time.Hour

func (w *world) deleteFor(id string, days int64) {
	w.t.Helper()
	if _, err := w.DeleteSecret(w.t.Context(), &sm.DeleteSecretInput{SecretId: &id, RecoveryWindowInDays: &days}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) purge(id string) error {
	_, err := w.DeleteSecret(w.t.Context(), &sm.DeleteSecretInput{SecretId: &id, ForceDeleteWithoutRecovery: aws.Bool(true)})
	return err
}

// API_DeleteSecret, and InvalidRequestException of every operation: "The
// secret is scheduled for deletion." API_DescribeSecret and API_ListSecretVersionIds
// do not list that error.
func TestWhatASecretOnItsWayOutAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	w.deleteFor("db", 7)
	id := aws.String("db")
	ctx := t.Context()
	for name, c := range map[string]struct {
		call func() error
		code string
		says string
	}{
		"GetSecretValue": {func() error { _, err := w.get("db"); return err }, "InvalidRequestException", "because it was marked for deletion"},
		"PutSecretValue": {func() error {
			_, err := w.PutSecretValue(ctx, &sm.PutSecretValueInput{SecretId: id, SecretString: id})
			return err
		}, "InvalidRequestException", "because it was marked for deletion"},
		"UpdateSecret": {func() error {
			_, err := w.UpdateSecret(ctx, &sm.UpdateSecretInput{SecretId: id, SecretString: id})
			return err
		}, "InvalidRequestException", "because it was marked for deletion"},
		"UpdateSecretVersionStage": {func() error {
			_, err := w.UpdateSecretVersionStage(ctx, &sm.UpdateSecretVersionStageInput{SecretId: id, VersionStage: id, MoveToVersionId: token("v1")})
			return err
		}, "InvalidRequestException", "because it was marked for deletion"},
		"TagResource": {func() error {
			_, err := w.TagResource(ctx, &sm.TagResourceInput{SecretId: id, Tags: []types.Tag{{Key: id, Value: id}}})
			return err
		}, "InvalidRequestException", "because it was marked for deletion"},
		"UntagResource": {func() error {
			_, err := w.UntagResource(ctx, &sm.UntagResourceInput{SecretId: id, TagKeys: []string{"a"}})
			return err
		}, "InvalidRequestException", "because it was marked for deletion"},
		"DeleteSecret": {func() error { _, err := w.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id}); return err }, "InvalidRequestException", "currently marked deleted"},
		"CreateSecret": {func() error {
			_, err := w.CreateSecret(ctx, &sm.CreateSecretInput{Name: id, SecretString: id})
			return err
		}, "InvalidRequestException", "already scheduled for deletion"},
		"DescribeSecret": {func() error { _, err := w.DescribeSecret(ctx, &sm.DescribeSecretInput{SecretId: id}); return err }, "", ""},
		"ListSecretVersionIds": {func() error {
			_, err := w.ListSecretVersionIds(ctx, &sm.ListSecretVersionIdsInput{SecretId: id})
			return err
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.call()
			wantCode(t, err, c.code)
			if !strings.Contains(message(err), c.says) {
				t.Errorf("it says %q, want %q", message(err), c.says)
			}
		})
	}
}

// API_DeleteSecret, RecoveryWindowInDays and DeletionDate; API_DescribeSecret and
// SecretListEntry, DeletedDate, which the reference explains differently.
func TestARecoveryWindowEndsInAPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	out, err := w.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("db")})
	if err != nil || !out.DeletionDate.Equal(start.Add(30*day)) {
		t.Fatalf("the delete answers %v and %v, want 30 days", out, err)
	}
	about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil || !about.DeletedDate.Equal(start.Add(30*day)) {
		t.Errorf("DescribeSecret has %v and %v, want the date it is scheduled for", about, err)
	}
	for planned, want := range map[bool]int{false: 0, true: 1} {
		list, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{IncludePlannedDeletion: &planned})
		if err != nil || len(list.SecretList) != want {
			t.Fatalf("with planned deletions %v the list has %v and %v", planned, list, err)
		}
		if planned && !list.SecretList[0].DeletedDate.Equal(start) {
			t.Errorf("the list has %v, want the date of the deletion", list.SecretList[0].DeletedDate)
		}
	}
	w.clock.Advance(30*day - time.Millisecond)
	_, err = w.get("db")
	wantCode(t, err, "InvalidRequestException")
	w.clock.Advance(time.Millisecond)
	_, err = w.get("db")
	wantCode(t, err, "ResourceNotFoundException")
	if again := w.create("db", "two"); *again.ARN == *out.ARN {
		t.Error("a new secret of the old name has the old ARN, want other random characters")
	}
	w.wantValue("db", "two")
}

// The page of DeleteSecret does not say what a second deletion gets.
func TestASecondDeletionIsRefusedOrTakenForDone(t *testing.T) {
	t.Parallel()
	for again, code := range map[bool]string{false: "InvalidRequestException", true: ""} {
		w := newWorld(t, func(c *awstest.Config) { c.DeleteAgain = again })
		w.create("db", "one")
		w.deleteFor("db", 7)
		w.clock.Advance(time.Hour)
		out, err := w.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("db")})
		wantCode(t, err, code)
		if again && !out.DeletionDate.Equal(start.Add(7*day)) {
			t.Errorf("it answers %v, want the date of the first", out.DeletionDate)
		}
		w.clock.Advance(7*day - time.Hour)
		_, err = w.get("db")
		wantCode(t, err, "ResourceNotFoundException")
	}
}

// API_RestoreSecret.
func TestARestoreBringsAllBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	w.put("db", "two", token("v2"))
	w.deleteFor("db", 7)
	for range 2 { // a restore of what is there is no error
		if _, err := w.RestoreSecret(t.Context(), &sm.RestoreSecretInput{SecretId: aws.String("db")}); err != nil {
			t.Fatal(err)
		}
	}
	w.wantValue("db", "two")
	w.clock.Advance(60 * day)
	w.wantValue("db", "two")
	_, err := w.RestoreSecret(t.Context(), &sm.RestoreSecretInput{SecretId: aws.String("none")})
	wantCode(t, err, "ResourceNotFoundException")
}

// API_DeleteSecret, RecoveryWindowInDays: "from 7 to 30 days", and not both.
func TestTheLimitsOfARecoveryWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	for days, code := range map[int64]string{6: "InvalidParameterException", 31: "InvalidParameterException", 0: "InvalidParameterException", -1: "InvalidParameterException"} {
		_, err := w.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("db"), RecoveryWindowInDays: &days})
		wantCode(t, err, code)
	}
	_, err := w.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("db"), RecoveryWindowInDays: aws.Int64(7), ForceDeleteWithoutRecovery: aws.Bool(true)})
	wantCode(t, err, "InvalidParameterException")
	w.wantValue("db", "one")
	_, err = w.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("none"), RecoveryWindowInDays: aws.Int64(7)})
	wantCode(t, err, "ResourceNotFoundException")
}

// API_DeleteSecret, ForceDeleteWithoutRecovery: "an asynchronous background process,
// so there might be a short delay before the secret is permanently deleted".
func TestAForcedDeleteTakesAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) { c.ForceDeleteDelay = time.Minute })
	w.create("db", "one")
	w.deleteFor("db", 7) // an already scheduled one can be forced
	wantCode(t, w.purge("db"), "")
	_, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("db")})
	wantCode(t, err, "InvalidRequestException")
	_, err = w.get("db")
	wantCode(t, err, "InvalidRequestException")
	_, err = w.RestoreSecret(t.Context(), &sm.RestoreSecretInput{SecretId: aws.String("db")})
	wantCode(t, err, "InvalidRequestException") // "no opportunity to recover the secret"
	wantCode(t, w.purge("db"), "")
	list, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)})
	if err != nil || len(list.SecretList) != 0 {
		t.Errorf("the list has %v and %v, want no forced deletions", list, err)
	}
	w.clock.Advance(time.Minute)
	_, err = w.get("db")
	wantCode(t, err, "ResourceNotFoundException")
	wantCode(t, w.purge("db"), "") // "does not return ResourceNotFoundException"
	w.create("db", "two")
	w.wantValue("db", "two")
}

// boto/boto3#2794: a secret without a value.
func TestASecretWithoutAValueIsNotFoundByItsLabel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if out := w.create("db", ""); out.VersionId != nil {
		t.Errorf("an empty secret has the version %s", *out.VersionId)
	}
	_, err := w.get("db")
	wantCode(t, err, "ResourceNotFoundException")
	if want := "can't find the specified secret value for staging label: AWSCURRENT"; !strings.Contains(message(err), want) {
		t.Errorf("it says %q, want %q", message(err), want)
	}
	about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil || about.VersionIdsToStages != nil {
		t.Errorf("DescribeSecret has %v and %v, want no versions", about, err)
	}
}
