package oauth2_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
)

// AWS bars an id of which a deleted secret can be recovered from IfAbsent.
func TestWhatIsDisconnectedLeavesNoClaimThatCouldBeRecovered(t *testing.T) {
	for name, denied := range map[string]bool{"where it may purge": false, "where it may not": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				c := f.client()
				time.Sleep(time.Hour)
				if _, err := c.Token(t.Context()); err != nil { // which makes the claim
					t.Fatal(err)
				}
				info, err := f.store.Stat(t.Context(), claimID)
				if err != nil {
					t.Fatal(err)
				}
				if denied {
					f.store.Inject(memory.Fault{ID: claimID, Op: "delete", Times: 1, Err: core.ErrPermissionDenied})
				}
				if err := c.Forget(t.Context()); err != nil {
					t.Fatal(err)
				}
				if f.stored(claimID) != nil || f.stored(tokensID) != nil {
					t.Error("something is left")
				}
				_, err = f.store.Get(t.Context(), claimID, core.AtVersion(info.Version))
				if gone := errors.Is(err, core.ErrNotFound); gone == denied {
					t.Errorf("its version is gone: %t", gone)
				}
			})
		})
	}
}
