package gcptest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// https://cloud.google.com/secret-manager/docs/filtering (name:asecret OR
// name:bsecret finds the secrets whose name contains either) and
// https://google.aip.dev/160 (OR binds tighter than AND).
func TestAFilterOfSecretsKeepsWhatMatches(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	_, c := strict(t, gcptest.WithClock(clock.Now))
	for _, s := range []struct {
		id     string
		labels map[string]string
		where  *secretmanagerpb.Replication
	}{
		{"asecret-1", map[string]string{"env": "prod"}, automatic()},
		{"bsecret-2", map[string]string{"env": "dev", "team": "x"}, automatic()},
		{"other", nil, replicas(&secretmanagerpb.Replication_UserManaged_Replica{Location: "us-west1"}, &secretmanagerpb.Replication_UserManaged_Replica{Location: "us-east1"})},
	} {
		if _, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: s.id, Secret: &secretmanagerpb.Secret{Replication: s.where, Labels: s.labels}}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
	}
	for filter, want := range map[string]string{
		"":                                   "other bsecret-2 asecret-1",
		"name:asecret":                       "asecret-1",
		"name:asecret OR name:bsecret":       "bsecret-2 asecret-1",
		"name:secret- AND labels:team":       "bsecret-2",
		"name:secret- labels.env=prod":       "asecret-1",
		"labels.env:*":                       "bsecret-2 asecret-1",
		"labels.env!=prod":                   "other bsecret-2",
		"NOT name:secret-":                   "other",
		"-name:secret-":                      "other",
		"secret-1":                           "asecret-1",
		`name:"secret-2"`:                    "bsecret-2",
		"name=" + number + "/secrets/other":  "other",
		"name=other":                         "",
		"create_time>=2026-03-01T13:00:00Z":  "other bsecret-2",
		"create_time < 2026-03-01T13:00:00Z": "asecret-1",
		`create_time>"2026-03-02"`:           "",
		"name:other OR name:asecret AND labels.env=prod":          "asecret-1",
		"name:other OR (name:asecret AND labels.env=prod)":        "other asecret-1",
		"NOT (name:asecret OR name:bsecret)":                      "other",
		"labels:*":                                                "bsecret-2 asecret-1",
		"replication.automatic:*":                                 "bsecret-2 asecret-1",
		"replication.user_managed.replicas.location:*":            "other",
		"replication.user_managed.replicas.location:us-east1":     "other",
		"NOT replication.user_managed.replicas.location:us-east1": "bsecret-2 asecret-1",
		"replication.user_managed.replicas.location=us":           "",
		"name:(asecret OR other) create_time>2026-03-01":          "other asecret-1",
		"labels.env:(NOT prod)":                                   "other bsecret-2",
		"(((name:other)))":                                        "other",
	} {
		got, err := secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project, Filter: filter})
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("filter %q keeps %v, %v; want %s", filter, got, err, want)
		}
	}
	for _, filter := range []string{"nothing:x", "name:", "name:a OR", "AND", "(name:a", "name:a)", `name:"a`, "create_time>yesterday", "name>a", "labels=x", "annotations.a=b", "name:()", "name:(a OR)", "state:ENABLED", strings.Repeat("(", 99) + "a" + strings.Repeat(")", 99)} {
		_, err := secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project, Filter: filter})
		wantCode(t, "filter "+filter, err, codes.InvalidArgument)
	}
}

func TestAFilterOfVersionsKeepsAState(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("s", []byte("1"), []byte("2"), []byte("3"))
	name := project + "/secrets/s"
	if _, err := c.DisableSecretVersion(t.Context(), &secretmanagerpb.DisableSecretVersionRequest{Name: name + "/versions/3"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: name + "/versions/1"}); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string][]string{
		"state:ENABLED":                   {"2"},
		"state=DISABLED":                  {"3"},
		"state:DESTROYED":                 {"1"},
		"state:ENABLED OR state:DISABLED": {"3", "2"},
		"state:(ENABLED OR DISABLED)":     {"3", "2"},
		"state!=DESTROYED":                {"3", "2"},
	} {
		got, err := versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: name, Filter: filter, PageSize: 1})
		for i := range got {
			got[i] = got[i][strings.LastIndex(got[i], "/")+1:]
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("filter %q keeps %v, %v; want %v", filter, got, err, want)
		}
	}
	_, err := versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: name, Filter: "labels.a=b"})
	wantCode(t, "a filter of secrets", err, codes.InvalidArgument)
}
