package schema_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

func TestStatusTellsOfManyInOneBatch(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	f := newFake(nil)
	stored := func(id, value string, age time.Duration) {
		f.put(id, value)
		s := f.secrets[id]
		s.Created = now.Add(-age)
		if age < 0 {
			s.Created = time.Time{}
		}
		f.secrets[id] = s
	}
	stored("OK", "canary", day)
	stored("DUE", "canary", 90*day)
	stored("FRESH", "canary", 90*day-1)
	stored("UNDATED", "canary", -1)
	stored("INVALID", `{"apiKey":"canary"}`, 91*day)
	f.fail("DENIED", core.ErrPermissionDenied)
	var set schema.Set
	rotated := func(id string) schema.Spec { return schema.Spec{ID: id, RotationPeriod: 90 * day} }
	schema.DeclareIn[string](&set, schema.Spec{ID: "OK"})
	schema.DeclareIn[string](&set, rotated("DUE"))
	schema.DeclareIn[string](&set, rotated("FRESH"))
	schema.DeclareIn[string](&set, rotated("UNDATED"))
	schema.DeclareIn[StripeCredentials](&set, rotated("INVALID"))
	schema.DeclareIn[string](&set, rotated("MISSING"))
	schema.DeclareIn[string](&set, schema.Spec{ID: "ABSENT", Optional: true})
	schema.DeclareIn[string](&set, schema.Spec{ID: "DENIED", Optional: true})
	schema.DeclareIn[chan int](&set, schema.Spec{ID: "WRONG"})
	var all []schema.Declared
	for d := range set.All() {
		all = append(all, d)
	}
	loader := schema.Loader{Service: f.service(), Clock: &manual{now: now}}
	reports, err := loader.Status(context.Background(), all...)
	if !errors.Is(err, core.ErrPermissionDenied) || len(problems(t, err)) != 2 {
		t.Errorf("the error is %v", err)
	}
	if f.batches != 1 || f.gets != 0 {
		t.Errorf("%d batches and %d single reads", f.batches, f.gets)
	}
	var got []string
	for _, r := range reports {
		text := fmt.Sprintf("%s %s %s", r.Info.ID, r.State, r.Rotation)
		if !r.Due.IsZero() {
			text += fmt.Sprintf(" %.0f", r.Due.Sub(now).Hours())
		}
		got = append(got, strings.TrimSpace(text))
		if wantErr := r.State != schema.StateOK && r.State != schema.StateAbsent; wantErr != (r.Err != nil) {
			t.Errorf("%s: the error is %v", r.Info.ID, r.Err)
		}
		if r.Info.ID != r.Meta.ID {
			t.Errorf("%s has the metadata of %s", r.Info.ID, r.Meta.ID)
		}
	}
	want := "OK ok\nDUE ok due 0\nFRESH ok fresh 0\nUNDATED ok unknown\nINVALID invalid due -24\nMISSING missing\nABSENT absent\nDENIED unknown\nWRONG wrong"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if printed := fmt.Sprintf("%v %+v %#v %v", reports, reports, reports, err); strings.Contains(printed, "canary") {
		t.Error("a value shows")
	}
}

func TestStatusIsNoErrorWhereAllCouldBeTold(t *testing.T) {
	t.Parallel()
	var set schema.Set
	missing := schema.DeclareIn[string](&set, schema.Spec{ID: "MISSING"})
	f := newFake(nil)
	reports, err := set.Status(context.Background(), f.service())
	if err != nil || reports[0].State != schema.StateMissing || !errors.Is(reports[0].Err, core.ErrNotFound) {
		t.Errorf("got %v, %v", reports, err)
	}
	f.put("MISSING", "x")
	// A status is of now, and nothing remembers that it was missing.
	report, err := missing.Status(context.Background(), f.service())
	if err != nil || report.State != schema.StateOK || report.Info.Version != "1" {
		t.Errorf("got %v, %v", report, err)
	}
	f.breakDown(core.ErrUnavailable)
	reports, err = set.Status(context.Background(), f.service())
	if !errors.Is(err, core.ErrUnavailable) || reports[0].State != schema.StateUnknown {
		t.Errorf("when all is down: %v, %v", reports, err)
	}
	if reports, err = schema.Status(context.Background(), f.service()); len(reports) != 0 || err != nil {
		t.Errorf("of none: %v, %v", reports, err)
	}
}
