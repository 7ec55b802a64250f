package awstest_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// every calls each operation on a secret that has the version v1.
func (w *world) every(id string) map[string]error {
	ctx, name := w.t.Context(), aws.String(id)
	errs := map[string]error{}
	_, errs["CreateSecret"] = w.CreateSecret(ctx, &sm.CreateSecretInput{Name: name})
	_, errs["GetSecretValue"] = w.GetSecretValue(ctx, &sm.GetSecretValueInput{SecretId: name})
	_, errs["DescribeSecret"] = w.DescribeSecret(ctx, &sm.DescribeSecretInput{SecretId: name})
	_, errs["ListSecretVersionIds"] = w.ListSecretVersionIds(ctx, &sm.ListSecretVersionIdsInput{SecretId: name})
	_, errs["PutSecretValue"] = w.PutSecretValue(ctx, &sm.PutSecretValueInput{SecretId: name, SecretString: name})
	_, errs["UpdateSecret"] = w.UpdateSecret(ctx, &sm.UpdateSecretInput{SecretId: name, Description: name})
	_, errs["UpdateSecretVersionStage"] = w.UpdateSecretVersionStage(ctx, &sm.UpdateSecretVersionStageInput{SecretId: name, VersionStage: aws.String("x"), MoveToVersionId: token("v1")})
	_, errs["TagResource"] = w.TagResource(ctx, &sm.TagResourceInput{SecretId: name, Tags: []types.Tag{{Key: name, Value: name}}})
	_, errs["UntagResource"] = w.UntagResource(ctx, &sm.UntagResourceInput{SecretId: name, TagKeys: []string{id}})
	_, errs["RestoreSecret"] = w.RestoreSecret(ctx, &sm.RestoreSecretInput{SecretId: name})
	_, errs["DeleteSecret"] = w.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: name})
	return errs
}

// IAM decides before anything is looked up, so that a refusal does not tell whether
// the secret exists: "Actions, resources, and condition keys for AWS Secrets Manager".
func TestARefusalIsTheSameForASecretThatExistsAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("secret/there", "v")
	w.put("secret/there", "w", token("v1"))
	takeBack := w.Deny("", "secret/*")
	there, absent := w.every("secret/there"), w.every("secret/absent")
	for operation, err := range there {
		wantCode(t, err, "AccessDeniedException")
		wantCode(t, absent[operation], "AccessDeniedException")
		if strings.ReplaceAll(message(err), "there", "absent") != message(absent[operation]) {
			t.Errorf("%s tells that a secret exists: %q and %q", operation, message(err), message(absent[operation]))
		}
		if want := "is not authorized to perform: secretsmanager:" + operation + " on resource: secret/there because no identity-based policy allows"; !strings.Contains(message(err), want) {
			t.Errorf("%s says %q", operation, message(err))
		}
	}
	takeBack()
	w.wantValue("secret/there", "w")
}

func TestRulesAreOfOneActionAndOnePattern(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := *w.create("shop/db", "v").ARN
	w.create("shop/db2", "v")
	w.Deny("secretsmanager:GetSecretValue", "shop/d?")
	for _, id := range []string{"shop/db", arn, arn[:len(arn)-7]} {
		_, err := w.get(id)
		wantCode(t, err, "AccessDeniedException")
	}
	w.wantValue("shop/db2", "v")
	w.put("shop/db", "w", nil)

	w.Deny("CreateSecret", "*")
	_, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("new")})
	wantCode(t, err, "AccessDeniedException")
}

// API_BatchGetSecretValue: "Required permissions: secretsmanager:BatchGetSecretValue,
// and you must have secretsmanager:GetSecretValue for each secret. If you use filters,
// you must also have secretsmanager:ListSecrets." API_CreateSecret: TagResource for tags.
func TestSomeOperationsNeedSeveralPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "v")
	takeBack := w.Deny("BatchGetSecretValue", "*")
	_, err := w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: []string{"db"}})
	wantCode(t, err, "AccessDeniedException")
	if strings.Contains(message(err), "on resource") {
		t.Errorf("a batch has no resource, and it says %q", message(err))
	}
	w.wantValue("db", "v")
	takeBack()

	w.Deny("ListSecrets", "*")
	byName := []types.Filter{{Key: "name", Values: []string{"db"}}}
	_, err = w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{Filters: byName})
	wantCode(t, err, "AccessDeniedException")
	_, err = w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: []string{"db"}})
	wantCode(t, err, "")
	_, err = w.ListSecrets(t.Context(), &sm.ListSecretsInput{})
	wantCode(t, err, "AccessDeniedException")

	w.Deny("TagResource", "*")
	_, err = w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("tagged"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	wantCode(t, err, "AccessDeniedException")
	w.create("untagged", "")
}

// aws/aws-cli#5031: a policy with the condition secretsmanager:VersionStage denies a
// read that leaves the stage out, though it would read that stage.
func TestAHookSeesTheStageOnlyIfTheRequestNamesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) {
		c.Authorize = func(a awstest.Access) bool {
			return a.Action != "secretsmanager:GetSecretValue" ||
				a.VersionStage == "AWSCURRENT" && a.Secret == "db" && strings.Contains(a.ARN, ":secret:db-") && a.Account == "111122223333"
		}
	})
	w.create("db", "v")
	_, err := w.get("db")
	wantCode(t, err, "AccessDeniedException")
	_, err = w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionStage: aws.String("AWSCURRENT")})
	wantCode(t, err, "")
}

// DecryptionFailure and EncryptionFailure of the API reference; a key that the caller
// may not use is AccessDeniedException.
func TestKeysOfKMSCanFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("managed", "v")
	_, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("own"), SecretString: aws.String("v"), KmsKeyId: aws.String("alias/shop")})
	wantCode(t, err, "")
	put := func(id string) error {
		_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: &id, SecretString: aws.String("w")})
		return err
	}
	w.BreakKMS("alias/shop", awstest.KMSDisabled)
	wantCode(t, put("own"), "EncryptionFailure")
	wantCode(t, put("managed"), "")
	_, err = w.get("own")
	wantCode(t, err, "DecryptionFailure")
	batch, err := w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: []string{"own", "managed"}})
	wantCode(t, err, "")
	if len(batch.SecretValues) != 1 || len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "DecryptionFailure" {
		t.Errorf("the batch has %v and %v", batch.SecretValues, batch.Errors)
	}
	w.BreakKMS("alias/shop", awstest.KMSDenied)
	_, err = w.get("own")
	wantCode(t, err, "AccessDeniedException")
	w.BreakKMS("alias/shop", awstest.KMSWorks)
	w.wantValue("own", "v")

	w.BreakKMS(awstest.DefaultKMSKey, awstest.KMSDisabled)
	wantCode(t, put("managed"), "EncryptionFailure")
	_, err = w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("new"), SecretString: aws.String("v")})
	wantCode(t, err, "EncryptionFailure")
	w.create("new", "") // nothing to encrypt, and the refused one left nothing
}

// API_UpdateSecret, KmsKeyId: new versions, and those labelled AWSCURRENT, AWSPENDING or
// AWSPREVIOUS, are encrypted with the new key; "" is the managed one.
func TestAnUpdateOfTheKeyEncryptsLabelledVersionsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "")
	for _, v := range []string{"v1", "v2", "v3"} {
		w.put("db", v, token(v))
	}
	update := func(key string) {
		t.Helper()
		_, err := w.UpdateSecret(t.Context(), &sm.UpdateSecretInput{SecretId: aws.String("db"), KmsKeyId: &key})
		wantCode(t, err, "")
	}
	update("alias/shop")
	about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil || aws.ToString(about.KmsKeyId) != "alias/shop" {
		t.Errorf("the key is %v and %v", about.KmsKeyId, err)
	}
	w.BreakKMS("alias/shop", awstest.KMSDisabled)
	for v, code := range map[string]string{"v1": "", "v2": "DecryptionFailure", "v3": "DecryptionFailure"} {
		_, err := w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionId: token(v)})
		wantCode(t, err, code)
	}
	update("")
	w.wantValue("db", "v3")
}

func TestVersionsOfALostKeyAreUnreadableAndLaterOnesAreNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	w.create("other", "one")
	if err := w.LoseKey("db"); err != nil {
		t.Fatal(err)
	}
	_, err := w.get("db")
	wantCode(t, err, "DecryptionFailure")
	w.wantValue("other", "one")
	out, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil || len(out.VersionIdsToStages) != 1 {
		t.Errorf("DescribeSecret has %v and %v, want the version", out.VersionIdsToStages, err)
	}
	w.put("db", "two", nil)
	w.wantValue("db", "two")
	_, err = w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionStage: aws.String("AWSPREVIOUS")})
	wantCode(t, err, "DecryptionFailure")
	if w.LoseKey("none") == nil {
		t.Error("a secret that is not there lost its key")
	}
}
