package aws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// many puts so many secrets into a fake, and returns their ids.
func many(t testing.TB, fake *awstest.Server, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("app/secret-%05d", i)
		if _, err := fake.Set(ids[i], "value of "+ids[i]); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// readMany reads all ids at once, and sees that each has its own value.
func readMany(t testing.TB, store *core.Store, ids []string) {
	t.Helper()
	got, err := store.GetMany(t.Context(), ids)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("%d of %d secrets, %v", len(got), len(ids), err)
	}
	for id, s := range got {
		if s.Value.Reveal() != "value of "+id {
			t.Fatalf("%q has the value of another", id)
		}
	}
}

func TestAHundredSecretsAreFiveCalls(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	ids := many(t, fake, 100)
	store := open(t, settings(fake, ""))
	got, err := store.GetMany(t.Context(), append(ids, ids...)) // repeated ids once
	if err != nil || len(got) != 100 {
		t.Fatalf("%d secrets, %v", len(got), err)
	}
	if all, batches := fake.CountCalls(""), fake.CountCalls("BatchGetSecretValue"); all != 5 || batches != 5 {
		t.Errorf("%d calls, %d of them batches", all, batches)
	}
}

func TestABatchThatIsDeniedOrUnknownIsRememberedAndReadSingly(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func() *awstest.Server{
		"denied": func() *awstest.Server {
			fake := awstest.New(t)
			fake.Deny("secretsmanager:BatchGetSecretValue", "*")
			return fake
		},
		"unknown": func() *awstest.Server { return awstest.New(t, awstest.Lenient) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := make()
			ids := many(t, fake, 5)
			store := open(t, settings(fake, ""))
			for range 3 {
				readMany(t, store, ids)
			}
			if batches, singles := fake.CountCalls("BatchGetSecretValue"), fake.CountCalls("GetSecretValue"); batches != 1 || singles != 15 {
				t.Errorf("%d batches and %d single reads", batches, singles)
			}
		})
	}
}

func TestFailuresInABatchStayWithTheirIDs(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	ids := many(t, fake, 30)
	store := open(t, settings(fake, ""))
	fake.Deny("secretsmanager:GetSecretValue", ids[3])
	if err := store.Delete(t.Context(), ids[4]); err != nil {
		t.Fatal(err)
	}
	got, err := store.GetMany(t.Context(), append(ids, "missing", "no:name"))
	var batch *core.BatchError
	if !errors.As(err, &batch) || len(batch.ByID) != 2 || len(got) != 28 {
		t.Fatalf("%d secrets, %v", len(got), err)
	}
	if !errors.Is(batch.ByID[ids[3]], core.ErrPermissionDenied) || !errors.Is(batch.ByID["no:name"], core.ErrInvalidID) {
		t.Errorf("%v", batch.ByID)
	}
}

func TestOneLostBatchOfTwoLosesNoOther(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	ids := many(t, fake, 40)
	store := open(t, settings(fake, ""))
	fake.Inject(awstest.Fault{Operation: "BatchGetSecretValue", Secret: ids[0], Times: -1})
	got, err := store.GetMany(t.Context(), ids)
	var batch *core.BatchError
	if !errors.As(err, &batch) || len(batch.ByID) != 20 || len(got) != 20 {
		t.Fatalf("%d secrets, %v", len(got), err)
	}
	for id, err := range batch.ByID {
		if _, both := got[id]; both || !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	}
}

func TestAnAnswerThatIsCutShortIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t, func(c *awstest.Config) { c.BatchAnswerBytes = 100 })
	ids := many(t, fake, 20)
	store := open(t, settings(fake, ""))
	readMany(t, store, ids)
	if n := fake.CountCalls("GetSecretValue"); n != 0 || fake.CountCalls("BatchGetSecretValue") < 2 {
		t.Errorf("%d single reads", n)
	}
	// The largest values, twenty in a batch.
	large := core.Bytes([]byte(strings.Repeat("\x01\xff", core.MaxValueLen/2)))
	text := core.String(strings.Repeat("\x01", core.MaxValueLen))
	for i, id := range ids {
		v := large
		if i%2 == 0 {
			v = text
		}
		if _, err := store.Set(t.Context(), id, v); err != nil {
			t.Fatal(err)
		}
	}
	got, err := store.GetMany(t.Context(), ids)
	for i, id := range ids {
		if err != nil || !got[id].Value.Equal(map[bool]core.Value{true: text, false: large}[i%2 == 0]) {
			t.Fatalf("the value of %q is another, %v", id, err)
		}
	}
}

func TestManyVersionsAreReadSingly(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	v1 := set(t, store, "a", "one")
	set(t, store, "a", "two")
	got, err := store.GetMany(t.Context(), []string{"a"}, core.AtVersion(v1))
	if err != nil || got["a"].Value.Reveal() != "one" {
		t.Errorf("%v", err)
	}
}

// What the answers say is matched by name and ARN: a service that leaves some out, adds
// others, or pages for ever hides nothing and mixes nothing.
func TestABatchThatAnswersOddlyMixesNothing(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	ids := many(t, fake, 5)
	for name, answer := range map[string]func(map[string]any){
		"leaves some out": func(a map[string]any) { a["SecretValues"] = a["SecretValues"].([]any)[2:] },
		"pages for ever":  func(a map[string]any) { a["NextToken"] = "again" },
		"says nothing":    func(a map[string]any) { clear(a) },
		"gives other names": func(a map[string]any) {
			for _, v := range a["SecretValues"].([]any) {
				v.(map[string]any)["Name"] = "app/another"
			}
		},
		"gives other stages": func(a map[string]any) {
			for _, v := range a["SecretValues"].([]any) {
				v.(map[string]any)["VersionStages"] = []string{"AWSPENDING"}
				v.(map[string]any)["SecretString"] = "pending"
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "BatchGetSecretValue") {
					fake.ServeHTTP(w, r)
					return
				}
				rec := httptest.NewRecorder()
				fake.ServeHTTP(rec, r)
				var a map[string]any
				if json.Unmarshal(rec.Body.Bytes(), &a) == nil && rec.Code == http.StatusOK {
					answer(a)
				}
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(rec.Code)
				_ = json.NewEncoder(w).Encode(a)
			}))
			defer s.Close()
			readMany(t, open(t, settings(fake, s.URL)), ids)
		})
	}
}

// gated is a fake whose reads are held back until a wave of them is there.
func gated(t testing.TB, fake *awstest.Server) (url string, g *providertest.Gate) {
	t.Helper()
	g = &providertest.Gate{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Hold(r.Context()) == nil {
			fake.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		g.Release()
		s.Close()
	})
	return s.URL, g
}

// One round trip for TCP, one for TLS, and one wave of reads: three in all.
func TestAHundredSecretsColdAreOneWave(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	ids := many(t, fake, 100)
	url, g := gated(t, fake)
	store := open(t, settings(fake, url))
	done := make(chan struct{})
	go func() {
		defer close(done)
		readMany(t, store, ids)
	}()
	g.Wave(t, 5)
	<-done
	if n := fake.CountCalls(""); n != 5 {
		t.Errorf("%d calls in all", n)
	}
}

func TestConcurrencyBoundsWhatIsInFlight(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t, awstest.Lenient)
	ids := many(t, fake, 12)
	url, g := gated(t, fake)
	cfg := settings(fake, url)
	cfg.Concurrency = 3
	store := open(t, cfg)
	done := make(chan struct{})
	go func() {
		defer close(done)
		readMany(t, store, ids)
	}()
	g.Wave(t, 1) // the batch, which is not there
	for range 4 {
		g.Wave(t, 3)
	}
	<-done
}
