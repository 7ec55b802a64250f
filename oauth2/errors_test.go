package oauth2_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestErrorsSayWhoseAccountAndWhatToDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		text string
		is   []error
		not  []error
	}{
		"again": {
			&oauth2.ReauthorizeError{Name: "github", User: "u-1", ID: "ID", Code: "invalid_grant", Connect: "lukko oauth connect github"},
			`oauth2 "github" of user "u-1": the account must be connected again (code invalid_grant): connect it: lukko oauth connect github`,
			[]error{oauth2.ErrReauthorize},
			[]error{core.ErrNotFound, oauth2.ErrNotConnected},
		},
		"not connected": {
			&oauth2.NotConnectedError{Name: "github", ID: "ID", Connect: "https://app.example.com/connect"},
			`oauth2 "github": no account is connected: connect it: https://app.example.com/connect`,
			[]error{oauth2.ErrNotConnected, core.ErrNotFound},
			[]error{oauth2.ErrReauthorize},
		},
		"an endpoint": {
			&oauth2.Error{Op: "refresh", Name: "github", Kind: core.ErrUnavailable, Status: 503, Code: "server_error", Hint: "try again later"},
			`oauth2 refresh "github": unavailable (status 503, code server_error): try again later`,
			[]error{core.ErrUnavailable},
			[]error{core.ErrNotFound},
		},
		"a context": {
			&oauth2.Error{Op: "refresh", Name: "github", Err: context.Canceled},
			`oauth2 refresh "github": context canceled`,
			[]error{context.Canceled},
			[]error{core.ErrUnavailable},
		},
		"a store": {
			&oauth2.Error{Op: "connect", Name: "x", Err: &core.Error{Op: "set", ID: "ID", Kind: core.ErrConflict}},
			`oauth2 connect "x": set "ID": conflict`,
			[]error{core.ErrConflict},
			nil,
		},
		"a code that is none": {
			&oauth2.Error{Op: "refresh", Name: "x", Kind: core.ErrUnavailable, Code: "Canary 1"},
			`oauth2 refresh "x": unavailable`, nil, nil,
		},
		"an error of somebody": {
			&oauth2.Error{Op: "refresh", Name: "x", Err: errors.New("canary")},
			`oauth2 refresh "x": an error of type *errors.errorString`, nil, nil,
		},
		"a user that is long and odd": {
			&oauth2.NotConnectedError{Name: "x", User: "a\x1b[31m\n" + strings.Repeat("é", 1<<20)},
			`oauth2 "x" of user "a\x1b[31m\n` + strings.Repeat("é", 73) + `…": no account is connected`, nil, nil,
		},
		"nothing": {(*oauth2.Error)(nil), "no error", nil, []error{core.ErrUnavailable}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
				if got := fmt.Sprintf(verb, test.err); got != test.text {
					t.Errorf("%s says\n%s\nwant\n%s", verb, got, test.text)
				}
			}
			if got := fmt.Sprintf("%q", test.err); got != fmt.Sprintf("%q", test.text) {
				t.Errorf("%%q says %s", got)
			}
			var log strings.Builder
			slog.New(slog.NewTextHandler(&log, nil)).Error("x", "err", test.err)
			text, _ := json.Marshal(test.err)
			for _, shown := range []string{log.String(), string(text)} {
				if strings.Contains(shown, "canary") {
					t.Errorf("it is shown: %s", shown)
				}
			}
			for _, kind := range test.is {
				if !errors.Is(fmt.Errorf("wrapped: %w", test.err), kind) {
					t.Errorf("it does not match %v", kind)
				}
			}
			for _, kind := range test.not {
				if errors.Is(test.err, kind) {
					t.Errorf("it matches %v", kind)
				}
			}
		})
	}
}
