package env

import (
	"errors"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// On Windows the names of variables fold case. The rule is tested everywhere.
func TestWhereNamesFoldCaseIDsHaveNoSmallLetters(t *testing.T) {
	t.Parallel()
	store := core.New(provider, &backend{
		lookup: func(name string) (string, bool) {
			v, ok := map[string]string{"KEY": "x", "key": "y"}[name]
			return v, ok
		},
		foldsCase: true,
	})
	if _, err := store.Get(t.Context(), "KEY"); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"key", "Key", "KEy"} {
		if _, err := store.Get(t.Context(), id); !errors.Is(err, core.ErrInvalidID) {
			t.Errorf("%s: got %v, want ErrInvalidID", id, err)
		}
	}
}
