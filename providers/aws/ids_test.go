package aws_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

func arnOf(t testing.TB, fake *awstest.Server, name string) string {
	t.Helper()
	out, err := bare(t, fake).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &name})
	if err != nil {
		t.Fatal(err)
	}
	return sdk.ToString(out.ARN)
}

func TestSecretsAreFoundByNameAndByFullAndPartialARN(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	set(t, store, "shop/db", "value")
	full := arnOf(t, fake, "shop/db")
	partial := full[:len(full)-7]
	ids := []string{"shop/db", full, partial}
	for _, id := range ids {
		want(t, store, id, "value")
		if _, err := store.Stat(t.Context(), id); err != nil {
			t.Errorf("Stat of %q: %v", id, err)
		}
		versionsOf(t, store, id)
	}
	got, err := store.GetMany(t.Context(), ids)
	if err != nil || len(got) != 3 {
		t.Errorf("%d of 3, %v", len(got), err)
	}
	for _, id := range ids[1:] {
		v := set(t, store, id, "by "+id)
		want(t, store, "shop/db", "by "+id)
		set(t, store, id, "over "+id, core.IfVersion(v))
		want(t, store, "shop/db", "over "+id)
	}
	if _, err := store.Set(t.Context(), full, core.String("v"), core.IfAbsent()); !errors.Is(err, core.ErrInvalidID) {
		t.Errorf("IfAbsent by an ARN: %v", err)
	}
	if err := store.Delete(t.Context(), partial); err != nil {
		t.Errorf("Delete by a partial ARN: %v", err)
	}
	set(t, store, full, "restored")
	want(t, store, "shop/db", "restored")
	if err := store.Delete(t.Context(), full, core.Purge()); err != nil {
		t.Errorf("Purge by an ARN: %v", err)
	}
	if _, err := store.Get(t.Context(), full); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("after a purge: %v", err)
	}
	if _, err := store.Set(t.Context(), full, core.String("v")); err == nil || core.KindOf(err) == core.ErrIndeterminate { //nolint:errorlint // a kind is the sentinel itself
		t.Errorf("Set by an ARN of nothing: %v", err)
	}
}

func TestASecretOfAnotherAccountIsReadByItsARN(t *testing.T) {
	t.Parallel()
	theirs := awstest.Key{ID: "AKIAOTHERACCOUNT0000", Secret: "other", Account: "444455556666"}
	fake := awstest.New(t)
	own := fake.Settings()
	fake.SetKeys(awstest.Key{ID: own.AccessKeyID, Secret: own.SecretAccessKey}, theirs)
	there := bare(t, fake)
	out, err := there.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: sdk.String("shared"), SecretString: sdk.String("theirs")}, func(o *secretsmanager.Options) {
		o.Credentials = sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: theirs.ID, SecretAccessKey: theirs.Secret}, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	store := open(t, settings(fake, ""))
	if !strings.Contains(*out.ARN, theirs.Account) {
		t.Fatal("the ARN is of no other account")
	}
	want(t, store, *out.ARN, "theirs")
	if _, err := store.Get(t.Context(), "shared"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("by name: %v", err)
	}
}

func TestAnARNOfAnotherRegionIsAskedThere(t *testing.T) {
	t.Parallel()
	far := awstest.New(t, func(c *awstest.Config) { c.Region = "ap-south-1" })
	if _, err := far.Set("key", "far"); err != nil {
		t.Fatal(err)
	}
	name := "key"
	out, err := bare(t, far).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &name})
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings(far, "")
	cfg.Region = "eu-west-1" // signatures of which the other region refuses
	store := open(t, cfg)
	want(t, store, *out.ARN, "far")
	got, err := store.GetMany(t.Context(), []string{*out.ARN})
	if err != nil || len(got) != 1 {
		t.Errorf("%v", err)
	}
	if _, err := store.Get(t.Context(), "key"); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("by name in the own region: %v", err)
	}
}

// A name that ends like what the service adds to an ARN.
func TestANameThatEndsLikeASuffixNeverReadsAnother(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	set(t, store, "db", "short")
	full := arnOf(t, fake, "db")
	suffix := full[len(full)-7:]
	set(t, store, "db"+suffix, "long")
	want(t, store, "db", "short")
	want(t, store, "db"+suffix, "long")
	want(t, store, full, "short") // also a partial ARN of the other
	long := arnOf(t, fake, "db"+suffix)
	want(t, store, long, "long")
	got, err := store.GetMany(t.Context(), []string{"db", "db" + suffix, full, long})
	if err != nil {
		t.Fatal(err)
	}
	for id, value := range map[string]string{"db": "short", "db" + suffix: "long", full: "short", long: "long"} {
		if got[id].Value.Reveal() != value {
			t.Errorf("%q has the value of another", id)
		}
	}
	if err := store.Delete(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	want(t, store, "db"+suffix, "long")
}

func TestIDsThatTheServiceCannotHoldAreRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	for _, id := range []string{
		"a:b", "arn:aws:secretsmanager", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a:b",
		"arn:aws:s3:eu-west-1:123456789012:secret:a", "arn:aws:secretsmanager:eu-west-1:12345:secret:a", "arn:aws:secretsmanager:eu-west-1:123456789012:secret",
	} {
		_, err := store.Get(t.Context(), id)
		_, err2 := store.Set(t.Context(), id, core.String("v"))
		_, err3 := store.GetMany(t.Context(), []string{id})
		var batch *core.BatchError
		if !errors.Is(err, core.ErrInvalidID) || !errors.Is(err2, core.ErrInvalidID) || !errors.As(err3, &batch) || !errors.Is(batch.ByID[id], core.ErrInvalidID) || !errors.Is(store.Delete(t.Context(), id), core.ErrInvalidID) {
			t.Errorf("%q: %v, %v, %v", id, err, err2, err3)
		}
	}
	if n := fake.CountCalls(""); n != 0 {
		t.Errorf("%d calls", n)
	}
	set(t, store, "a/_+=.@-Z9", "every character that a name may have")
}

func TestStagesOfOthersAreReachableByVersion(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	v1 := set(t, store, "key", "one")
	set(t, store, "key", "two")
	pending, err := bare(t, fake).PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
		SecretId: sdk.String("key"), SecretBinary: []byte("three\xff"), VersionStages: []string{"AWSPENDING"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for version, value := range map[string]string{v1: "one", *pending.VersionId: "three\xff"} {
		got, err := store.Get(t.Context(), "key", core.AtVersion(version))
		if err != nil || got.Value.Reveal() != value {
			t.Errorf("%v", err)
		}
		if info, err := store.Stat(t.Context(), "key", core.AtVersion(version)); err != nil || info.Version != version || !info.Created.Equal(got.Created) {
			t.Errorf("%+v, %v", info, err)
		}
	}
	want(t, store, "key", "two")
	if _, err := store.Get(t.Context(), "key", core.AtVersion("7")); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a version that is none: %v", err)
	}
}

func TestStatOfWhoMayNotDescribeIsToldFromTheValue(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	v := set(t, store, "key", "value")
	fake.Deny("secretsmanager:DescribeSecret", "*")
	fake.Deny("secretsmanager:ListSecretVersionIds", "*")
	info, err := store.Stat(t.Context(), "key")
	if err != nil || info.Version != v {
		t.Errorf("%+v, %v", info, err)
	}
	set(t, store, "key", "next", core.IfVersion(v))
	want(t, store, "key", "next")
	if err := store.Delete(t.Context(), "key"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if err := store.Delete(t.Context(), "key"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a second Delete: %v", err)
	}
	if err := store.Delete(t.Context(), "key", core.Purge()); err != nil {
		t.Errorf("a purge: %v", err)
	}
	if err := store.Delete(t.Context(), "never", core.Purge()); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a purge of what never was: %v", err)
	}
	if err := store.Delete(t.Context(), "arn:aws:secretsmanager:us-east-1:111122223333:secret:key", core.Purge()); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("a purge by an ARN, which must look: %v", err)
	}
}

func TestValuesAreStoredAsTheConsoleShowsThem(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	for name, c := range map[string]struct {
		value string
		text  bool
	}{
		"an object": {`{"user": "u",  "password":"p"}`, true},
		"a line":    {"päss\r\n", true},
		"null":      {"null", true},
		"a NUL":     {"a\x00b", false},
		"no UTF-8":  {"\xff\xfe", false},
		"controls":  {"\x01\x1f\x7f\u2028\ufeff\ufffd", true},
	} {
		id := "values/" + strings.ReplaceAll(name, " ", "-")
		set(t, store, id, c.value)
		want(t, store, id, c.value)
		out, err := bare(t, fake).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil || c.text != (out.SecretString != nil) || c.text && *out.SecretString != c.value {
			t.Errorf("%s: stored as text: %t, %v", name, out.SecretString != nil, err)
		}
	}
}
