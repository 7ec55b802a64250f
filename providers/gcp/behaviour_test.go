package gcp_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// over is a store over a fake, with what a caller of some roles may do.
func over(t testing.TB, end *gcptest.Endpoint, cfg gcp.Config) *core.Store {
	t.Helper()
	cfg.Endpoint = end.Listen()
	return open(t, cfg)
}

// methods are those that were called, in their order.
func methods(srv *gcptest.Server) []string {
	var all []string
	for _, call := range srv.Calls() {
		all = append(all, call.Method)
	}
	return all
}

func expectCalls(t testing.TB, srv *gcptest.Server, want ...string) {
	t.Helper()
	if got := methods(srv); !slices.Equal(got, want) {
		t.Errorf("the calls were %q, want %q", got, want)
	}
	srv.ResetCalls()
}

func expectKind(t testing.TB, err, kind error, hint string) {
	t.Helper()
	e := (*core.Error)(nil)
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Hint, hint) { //nolint:errorlint // a kind is the sentinel itself
		t.Errorf("%v, want %v that says %q", err, kind, hint)
	}
}

func disable(t testing.TB, client *secretmanager.Client, id, version string) {
	t.Helper()
	if _, err := client.DisableSecretVersion(t.Context(), &pb.DisableSecretVersionRequest{Name: versionName(id, version)}); err != nil {
		t.Fatal(err)
	}
}

func destroy(t testing.TB, client *secretmanager.Client, id, version string) {
	t.Helper()
	if _, err := client.DestroySecretVersion(t.Context(), &pb.DestroySecretVersionRequest{Name: versionName(id, version)}); err != nil {
		t.Fatal(err)
	}
}

func versionName(id, version string) string {
	return "projects/" + gcptest.ProjectID + "/secrets/" + id + "/versions/" + version
}

// Which calls each operation makes is what the README says.
func TestEachOperationMakesTheCallsOfTheREADME(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	store := over(t, srv.Endpoint, gcp.Config{})
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := store.Set(ctx, "a", core.String("1"))
	must(err)
	expectCalls(t, srv, "AddSecretVersion", "CreateSecret", "AddSecretVersion")
	_, err = store.Set(ctx, "a", core.String("2"))
	must(err)
	expectCalls(t, srv, "AddSecretVersion")
	_, err = store.Set(ctx, "a", core.String("2"), core.IfChanged())
	must(err)
	expectCalls(t, srv, "AccessSecretVersion")
	_, err = store.Get(ctx, "a")
	must(err)
	expectCalls(t, srv, "AccessSecretVersion")
	_, err = store.Get(ctx, "a", core.AtVersion("1"))
	must(err)
	expectCalls(t, srv, "AccessSecretVersion")
	_, err = store.GetMany(ctx, []string{"a", "b", "a"})
	must(err)
	expectCalls(t, srv, "AccessSecretVersion", "AccessSecretVersion")
	_, err = store.Stat(ctx, "a")
	must(err)
	expectCalls(t, srv, "GetSecretVersion")
	must(last(store.Versions(ctx, "a")))
	expectCalls(t, srv, "ListSecretVersions")
	must(last(store.List(ctx, "")))
	expectCalls(t, srv, "ListSecrets")
	must(store.Delete(ctx, "a"))
	expectCalls(t, srv, "DeleteSecret")
	for _, id := range []string{"a.b", "a/b", "projects/p/secrets", "projects/P/secrets/a", "projects/p/locations/europe-west3/secrets/a", "a@b", "projects/p/secrets/a/versions/1", "x+y", "a:b", "a=b"} {
		for _, call := range calls {
			if call.name != "list" {
				if err := call.do(ctx, store, id); !errors.Is(err, core.ErrInvalidID) {
					t.Errorf("%s of %q: %v, want ErrInvalidID", call.name, id, err)
				}
			}
		}
	}
	_, err = store.Get(ctx, "a", core.AtVersion("prod"))
	expectKind(t, err, core.ErrNotFound, "numbers")
	_, err = store.Stat(ctx, "a", core.AtVersion("latest"))
	expectKind(t, err, core.ErrNotFound, "numbers")
	expectCalls(t, srv)
}

func TestTheNewestEnabledVersionIsRead(t *testing.T) {
	t.Parallel()
	for _, personality := range []gcptest.Personality{gcptest.Strict, gcptest.Lenient} {
		for name, take := range map[string]func(testing.TB, *secretmanager.Client, string, string){"disabled": disable, "destroyed": destroy} {
			t.Run(fmt.Sprintf("%s %d", name, personality), func(t *testing.T) {
				t.Parallel()
				srv := gcptest.New(t, gcptest.WithPersonality(personality))
				client := srv.Client(t)
				store := over(t, srv.Endpoint, gcp.Config{})
				for i := range 12 {
					srv.Seed("a", fmt.Appendf(nil, "value %d", i+1))
				}
				take(t, client, "a", "12")
				take(t, client, "a", "11")
				srv.ResetCalls()
				secret, err := store.Get(t.Context(), "a")
				if err != nil || secret.Value.Reveal() != "value 10" || secret.Version != "10" {
					t.Fatalf("version %q, error %v; want version 10", secret.Version, err)
				}
				if personality == gcptest.Strict {
					expectCalls(t, srv, "AccessSecretVersion", "ListSecretVersions", "AccessSecretVersion")
				}
				info, err := store.Stat(t.Context(), "a")
				if err != nil || info.Version != "10" {
					t.Errorf("Stat: version %q, error %v; want 10", info.Version, err)
				}
				var versions []string
				for info, err := range store.Versions(t.Context(), "a") {
					if err != nil {
						t.Fatal(err)
					}
					if info.Created.IsZero() {
						t.Error("a version has no time")
					}
					versions = append(versions, info.Version)
				}
				if want := []string{"10", "9", "8", "7", "6", "5", "4", "3", "2", "1"}; !slices.Equal(versions, want) {
					t.Errorf("the versions are %q", versions)
				}
				_, err = store.Get(t.Context(), "a", core.AtVersion("12"))
				expectKind(t, err, core.ErrNotFound, name)
				_, err = store.Stat(t.Context(), "a", core.AtVersion("12"))
				expectKind(t, err, core.ErrNotFound, name)
				_, err = store.Get(t.Context(), "a", core.AtVersion("13"))
				expectKind(t, err, core.ErrNotFound, "no such version")
				for i := range 10 {
					take(t, client, "a", fmt.Sprint(i+1))
				}
				if _, err = store.Get(t.Context(), "a"); !errors.Is(err, core.ErrNotFound) {
					t.Errorf("with no version enabled: %v", err)
				}
				if personality == gcptest.Strict {
					expectKind(t, err, core.ErrNotFound, "none of its versions is enabled")
				}
			})
		}
	}
}

func TestStrictLatestIsTheNewestVersionWhateverItsState(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(testing.TB, *secretmanager.Client, string, string){"disabled": disable, "destroyed": destroy} {
		srv := gcptest.New(t)
		store := over(t, srv.Endpoint, gcp.Config{StrictLatest: true})
		srv.Seed("a", []byte("1"), []byte("2"))
		if secret, err := store.Get(t.Context(), "a"); err != nil || secret.Version != "2" {
			t.Fatalf("version %q, error %v", secret.Version, err)
		}
		take(t, srv.Client(t), "a", "2")
		srv.ResetCalls()
		_, err := store.Get(t.Context(), "a")
		expectKind(t, err, core.ErrNotFound, "newest version")
		expectKind(t, err, core.ErrNotFound, name)
		_, err = store.Stat(t.Context(), "a")
		expectKind(t, err, core.ErrNotFound, name)
		expectCalls(t, srv, "AccessSecretVersion", "GetSecretVersion")
	}
}

func TestTheWordsOfAStateMayBeOthers(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	store := over(t, srv.Endpoint, gcp.Config{StrictLatest: true})
	srv.Seed("a", []byte("1"))
	disable(t, srv.Client(t), "a", "1")
	srv.Inject(gcptest.Fault{Method: "AccessSecretVersion", Times: -1, Status: status.New(codes.FailedPrecondition, "no")})
	_, err := store.Get(t.Context(), "a")
	expectKind(t, err, core.ErrNotFound, "disabled")
}

func TestWhatIsEnabledAndCannotBeReadIsNotMissing(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	store := over(t, srv.Endpoint, gcp.Config{})
	srv.Seed("a", []byte("1"))
	srv.Inject(gcptest.Fault{Method: "AccessSecretVersion", Times: -1, Status: status.New(codes.FailedPrecondition, "Cloud KMS key is not enabled, current state is: DISABLED.")})
	_, err := store.Get(t.Context(), "a")
	expectKind(t, err, core.ErrUnavailable, "KMS key")
	expectCalls(t, srv, "AccessSecretVersion", "ListSecretVersions", "AccessSecretVersion", "GetSecretVersion")
}

// A reader has the accessor's role alone, and a writer the adder's beside it.
func TestTheLeastRolesAreEnough(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("a", []byte("1"))
	reader := over(t, srv.As(gcptest.Accessor), gcp.Config{})
	if secret, err := reader.Get(t.Context(), "a"); err != nil || secret.Value.Reveal() != "1" {
		t.Errorf("Get as an accessor: %v", err)
	}
	if info, err := reader.Stat(t.Context(), "a"); err != nil || info.Version != "1" {
		t.Errorf("Stat as an accessor: version %q, error %v", info.Version, err)
	}
	_, err := reader.Set(t.Context(), "a", core.String("2"))
	expectKind(t, err, core.ErrPermissionDenied, "roles")

	adder := over(t, srv.As(gcptest.VersionAdder), gcp.Config{})
	srv.ResetCalls()
	if info, err := adder.Set(t.Context(), "a", core.String("2")); err != nil || info.Version != "2" {
		t.Errorf("Set as an adder: version %q, error %v", info.Version, err)
	}
	expectCalls(t, srv, "AddSecretVersion")
	_, err = adder.Set(t.Context(), "new", core.String("1"))
	expectKind(t, err, core.ErrPermissionDenied, "secretmanager.secrets.create")
	_, err = adder.Get(t.Context(), "a")
	expectKind(t, err, core.ErrPermissionDenied, "roles")

	// On the one secret, and on nothing else.
	one := over(t, srv.As().AsOn("a", gcptest.VersionAdder, gcptest.Accessor), gcp.Config{})
	if info, err := one.Set(t.Context(), "a", core.String("3"), core.IfChanged()); err != nil || info.Version != "3" {
		t.Errorf("Set with IfChanged on one secret: version %q, error %v", info.Version, err)
	}

	disable(t, srv.Client(t), "a", "3")
	_, err = reader.Get(t.Context(), "a")
	expectKind(t, err, core.ErrPermissionDenied, "secretmanager.versions.list")
	viewer := over(t, srv.As(gcptest.Accessor, gcptest.Viewer), gcp.Config{})
	if secret, err := viewer.Get(t.Context(), "a"); err != nil || secret.Version != "2" {
		t.Errorf("Get as an accessor who may list: version %q, error %v", secret.Version, err)
	}
	manager := over(t, srv.As(gcptest.VersionManager), gcp.Config{KeepVersions: 1, OldVersions: gcp.Destroy, Pruned: func(id string, err error) { t.Errorf("%s: %v", id, err) }})
	if _, err := manager.Set(t.Context(), "a", core.String("4")); err != nil {
		t.Error(err)
	}
}

func TestWritersWhoCreateOneSecretAllSucceed(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	store := over(t, srv.Endpoint, gcp.Config{})
	const writers = 8
	seen := make(map[string]bool)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			info, err := store.Set(t.Context(), "a", core.String(fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[info.Version] = true
		})
	}
	all.Wait()
	if len(seen) != writers {
		t.Errorf("%d writers got %d versions", writers, len(seen))
	}
}

func TestAnEmptySecretReadsAsMissingAndTheNextSetMendsIt(t *testing.T) {
	t.Parallel()
	for _, personality := range []gcptest.Personality{gcptest.Strict, gcptest.Lenient} {
		srv := gcptest.New(t, gcptest.WithPersonality(personality))
		store := over(t, srv.Endpoint, gcp.Config{Retries: -1})
		// The writer is gone between its two calls.
		ctx, cancel := context.WithCancel(t.Context())
		held := srv.Inject(gcptest.Fault{Method: "AddSecretVersion", Nth: 2, Wait: make(chan struct{})})
		go func() {
			<-held.Reached()
			cancel()
		}()
		if _, err := store.Set(ctx, "a", core.String("lost")); !errors.Is(err, context.Canceled) || !errors.Is(err, core.ErrIndeterminate) {
			t.Fatalf("a Set that ends on its way: %v", err)
		}
		if versions, exists := srv.Versions("a"); !exists || len(versions) != 0 {
			t.Fatalf("there is a secret: %t, with %d versions; want an empty one", exists, len(versions))
		}
		for _, call := range calls {
			if call.name == "list" || call.write {
				continue
			}
			if err := call.do(t.Context(), store, "a"); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("%s of an empty secret: %v, want ErrNotFound", call.name, err)
			}
		}
		srv.ResetCalls()
		if info, err := store.Set(t.Context(), "a", core.String("1")); err != nil || info.Version != "1" {
			t.Errorf("the next Set: version %q, error %v", info.Version, err)
		}
		expectCalls(t, srv, "AddSecretVersion")
	}
}

// The answer to the creation is lost, in each of the ways; the value was not sent
// yet, so that nothing is in doubt.
func TestALostAnswerToTheCreationLeavesNoDoubt(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		srv := gcptest.New(t)
		store := over(t, srv.Endpoint, gcp.Config{Retries: -1})
		srv.Inject(gcptest.Fault{Method: "CreateSecret", After: after, Cut: true})
		info, err := store.Set(t.Context(), "a", core.String("1"))
		if after { // it is there, and takes the version
			if err != nil || info.Version != "1" {
				t.Errorf("version %q, error %v; want the one that was added", info.Version, err)
			}
			continue
		}
		expectKind(t, err, core.ErrUnavailable, "the answer to the creation of the secret was lost")
		if _, exists := srv.Versions("a"); exists {
			t.Error("there is a secret")
		}
	}
}

func TestNumbersStartAgainAfterADelete(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	store := over(t, srv.Endpoint, gcp.Config{})
	for _, value := range []string{"first", "second"} {
		info, err := store.Set(t.Context(), "a", core.String(value))
		if err != nil || info.Version != "1" {
			t.Fatalf("version %q, error %v; Google's numbers start at 1", info.Version, err)
		}
		if secret, err := store.Get(t.Context(), "a"); err != nil || secret.Value.Reveal() != value {
			t.Fatalf("Get: %v", err)
		}
		if err := store.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		expectKind(t, store.Delete(t.Context(), "a"), core.ErrNotFound, "no secret")
	}
	expectKind(t, store.Delete(t.Context(), "a", core.Purge()), errors.ErrUnsupported, "")
}

func TestOldVersionsAreLookedAfterOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	states := func(srv *gcptest.Server) string {
		versions, _ := srv.Versions("a")
		text := ""
		for _, v := range versions {
			text += v.GetState().String()[:2]
		}
		return text
	}
	for _, c := range []struct {
		url  string
		want string
	}{
		{"", "ENENENENEN"},
		{"&keep_versions=2,disable", "DIDIDIENEN"},
		{"&keep_versions=2,destroy", "DEDEDEENEN"},
		{"&keep_versions=9,destroy", "ENENENENEN"},
		{"&keep_versions=1,disable", "DIDIDIDIEN"},
	} {
		srv := gcptest.New(t)
		env := environ(map[string]string{"SECRET_MANAGER_EMULATOR_HOST": srv.Listen()})
		schemes := core.Schemes{"gcp": gcp.Opener(gcp.Config{Lookup: env, Pruned: func(id string, err error) { t.Errorf("%s: %v", id, err) }})}
		store, err := schemes.Open(t.Context(), "gcp://"+gcptest.ProjectID+"?latest=enabled"+c.url)
		if err != nil {
			t.Fatal(err)
		}
		providertest.Closed(t, store)
		for i := range 5 {
			if _, err := store.Set(t.Context(), "a", core.String(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if got := states(srv); got != c.want {
			t.Errorf("%q leaves %s, want %s", c.url, got, c.want)
		}
	}
}

func TestASetStandsThoughOldVersionsCannotBeLookedAfter(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("a", []byte("1"), []byte("2"))
	var told []error
	store := over(t, srv.As(gcptest.VersionAdder), gcp.Config{
		KeepVersions: 1, OldVersions: gcp.Destroy,
		Pruned: func(id string, err error) {
			if id != "a" {
				t.Errorf("the id is %q", id)
			}
			told = append(told, err)
		},
	})
	info, err := store.Set(t.Context(), "a", core.String("3"))
	if err != nil || info.Version != "3" {
		t.Fatalf("version %q, error %v", info.Version, err)
	}
	if len(told) != 1 {
		t.Fatalf("%d errors were told", len(told))
	}
	expectKind(t, told[0], core.ErrPermissionDenied, "to destroy old versions failed")
}

func TestSecretsOfOtherProjectsAreReadByTheirFullNames(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t, gcptest.WithProject(otherProject, 42))
	srv.Seed("projects/"+otherProject+"/secrets/a", []byte("theirs"))
	srv.Seed("a", []byte("ours"))
	store := over(t, srv.Endpoint, gcp.Config{Project: fmt.Sprint(gcptest.ProjectNumber)}) // by its number
	for id, want := range map[string]string{
		"a": "ours",
		"projects/" + otherProject + "/secrets/a":                      "theirs",
		"projects/42/secrets/a":                                        "theirs",
		"projects/" + gcptest.ProjectID + "/secrets/a":                 "ours",
		"projects/" + fmt.Sprint(gcptest.ProjectNumber) + "/secrets/a": "ours",
	} {
		secret, err := store.Get(t.Context(), id)
		if err != nil || secret.Value.Reveal() != want || secret.ID != id {
			t.Errorf("%s: id %q, error %v", id, secret.ID, err)
		}
	}
	var ids []string
	for info, err := range store.List(t.Context(), "projects/42/secrets/") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, info.ID)
	}
	if want := []string{"projects/42/secrets/a"}; !slices.Equal(ids, want) {
		t.Errorf("the other project lists %q, want %q", ids, want)
	}
}

func TestNewSecretsAreMadeAsTheURLSays(t *testing.T) {
	t.Parallel()
	key := func(location string) string {
		return "projects/p/locations/" + location + "/keyRings/r/cryptoKeys/k"
	}
	for _, c := range []struct {
		query string
		want  func(*pb.Secret) bool
	}{
		{"latest=enabled", func(s *pb.Secret) bool { return s.GetReplication().GetAutomatic() != nil }},
		{"replication=automatic&kms_key=" + key("global"), func(s *pb.Secret) bool {
			return s.GetReplication().GetAutomatic().GetCustomerManagedEncryption().GetKmsKeyName() == key("global")
		}},
		{"replication=europe-west1,us-east4", func(s *pb.Secret) bool {
			replicas := s.GetReplication().GetUserManaged().GetReplicas()
			return len(replicas) == 2 && replicas[0].GetLocation() == "europe-west1" && replicas[1].GetLocation() == "us-east4" && replicas[0].GetCustomerManagedEncryption() == nil
		}},
		{"replication=europe-west1,us-east4&kms_key=" + key("us-east4") + "," + key("europe-west1"), func(s *pb.Secret) bool {
			replicas := s.GetReplication().GetUserManaged().GetReplicas()
			return len(replicas) == 2 && replicas[0].GetCustomerManagedEncryption().GetKmsKeyName() == key("europe-west1") && replicas[1].GetCustomerManagedEncryption().GetKmsKeyName() == key("us-east4")
		}},
		{"location=europe-west3&kms_key=" + key("europe-west3"), func(s *pb.Secret) bool {
			return s.GetReplication() == nil && s.GetCustomerManagedEncryption().GetKmsKeyName() == key("europe-west3")
		}},
	} {
		t.Run(c.query, func(t *testing.T) {
			t.Parallel()
			srv := gcptest.New(t)
			end, place := srv.Endpoint, ""
			if strings.HasPrefix(c.query, "location=") {
				end, place = srv.Regional("europe-west3"), "/locations/europe-west3"
			}
			schemes := core.Schemes{"gcp": gcp.Opener(gcp.Config{Lookup: bare})}
			store, err := schemes.Open(t.Context(), "gcp://"+gcptest.ProjectID+"?endpoint="+end.Listen()+"&"+c.query)
			if err != nil {
				t.Fatal(err)
			}
			providertest.Closed(t, store)
			if _, err := store.Set(t.Context(), "a", core.String("v")); err != nil {
				t.Fatal(err)
			}
			secret, err := end.Client(t).GetSecret(t.Context(), &pb.GetSecretRequest{Name: "projects/" + gcptest.ProjectID + place + "/secrets/a"})
			if err != nil || !c.want(secret) {
				t.Errorf("the secret is %v, error %v", secret, err)
			}
		})
	}
}

// Each page is one call, and the next page is asked for when it is needed.
func TestAListThatIsLeftAsksForNoMore(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	store := over(t, srv.Endpoint, gcp.Config{})
	for i := range 1200 {
		srv.Seed(fmt.Sprintf("s%04d", i), []byte("v"))
	}
	n := 0
	for _, err := range store.List(t.Context(), "s") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 500 {
			break
		}
	}
	expectCalls(t, srv, "ListSecrets")
	if err := last(store.List(t.Context(), "s")); err != nil {
		t.Fatal(err)
	}
	expectCalls(t, srv, "ListSecrets", "ListSecrets", "ListSecrets")
}

// Another's Set comes between a Set and its look after old versions: what is newer than
// its own version is the other's to look after.
func TestALaterVersionDoesNotCostTheOneThatWasJustSet(t *testing.T) {
	t.Parallel()
	srv := gcptest.New(t)
	srv.Seed("a", []byte("1"), []byte("2"))
	store := over(t, srv.Endpoint, gcp.Config{KeepVersions: 2, OldVersions: gcp.Destroy})
	release := make(chan struct{})
	held := srv.Inject(gcptest.Fault{Method: "ListSecretVersions", Wait: release})
	done := make(chan error, 1)
	go func() {
		_, err := store.Set(t.Context(), "a", core.String("3"))
		done <- err
	}()
	<-held.Reached()
	srv.Seed("a", []byte("4"), []byte("5"), []byte("6"))
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	versions, _ := srv.Versions("a")
	for i, v := range versions {
		want := pb.SecretVersion_ENABLED
		if i == 0 {
			want = pb.SecretVersion_DESTROYED
		}
		if v.GetState() != want {
			t.Errorf("version %d is %v, want %v", i+1, v.GetState(), want)
		}
	}
}
