package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/vault"
	"github.com/lukko-dev/lukko/providers/vault/internal/wire"
)

// marker is in the bodies of the seeds, and in no text of ours.
const marker = "c4n4ry"

// FuzzAnswer gives any answer to a call: it ends, in an error that quotes
// nothing or in what a store may return.
func FuzzAnswer(f *testing.F) {
	calls := []string{"get", "set", "delete", "list", "set if version"}
	for i := range calls {
		for _, kv := range []bool{true, false} {
			for _, b := range brokenAnswers(f) {
				if b.Answer.Raw == "" && !b.Answer.Drop && b.Answer.Filler == 0 {
					body := strings.ReplaceAll(b.Answer.Body, "hunter2", marker)
					f.Add(uint8(i), kv, uint16(b.Answer.Status), "Content-Type: application/json\r\nRetry-After: 3", []byte(body))
				}
			}
		}
		f.Add(uint8(i), true, uint16(200), "Content-Length: 5000", []byte(`{"data":{"`+marker))
		f.Add(uint8(i), true, uint16(200), "Transfer-Encoding: chunked", []byte("5\r\n{\"a\":\r\n0\r\n\r\n"))
		f.Add(uint8(i), true, uint16(503), "Content-Encoding: gzip\r\nRetry-After: Wed, 21 Oct 2099 07:28:00 GMT", []byte(marker))
	}
	f.Fuzz(func(t *testing.T, which uint8, two bool, status uint16, header string, body []byte) {
		answer := wire.Answer{Raw: fmt.Sprintf("HTTP/1.1 %03d %s\r\n%s\r\n\r\n%s", status%1000, marker, header, body)}
		kv := 1
		if two {
			kv = 2
		}
		synctest.Test(t, func(t *testing.T) {
			store, srv := inMemory(t, kv)
			all := answeredCalls(t, store, kv)
			call := all[int(which)%len(all)]
			// Once, as a listing that has folders at each look has no end.
			srv.Replace(call.match, 1, answer)
			err := call.call(t.Context(), store)
			if err == nil {
				return
			}
			e := (*core.Error)(nil)
			batch := (*core.BatchError)(nil)
			if !errors.As(err, &e) && !errors.As(err, &batch) {
				t.Fatalf("%s fails with a %T", call.name, err)
			}
			if bytes.Contains(body, []byte(marker)) {
				quotes(t, err)
			}
		})
	})
}

// FuzzLoginAnswer gives any answer to a login.
func FuzzLoginAnswer(f *testing.F) {
	for _, b := range brokenAnswers(f) {
		if b.Answer.Raw == "" && !b.Answer.Drop && b.Answer.Filler == 0 {
			f.Add(uint16(b.Answer.Status), []byte(strings.ReplaceAll(b.Answer.Body, "hunter2", marker)))
		}
	}
	for _, auth := range []string{
		`{"client_token":"hvs.` + marker + `","lease_duration":9000000000,"renewable":true}`,
		`{"client_token":"hvs.` + marker + `","lease_duration":9223372036854775807,"renewable":true}`,
		`{"client_token":"hvs.` + marker + `","lease_duration":-1,"renewable":true}`,
		`{"client_token":"` + marker + `\n","lease_duration":60,"renewable":false}`,
		`{"client_token":"","mfa_requirement":{"mfa_request_id":"` + marker + `"}}`,
		`{"client_token":7}`, `[]`, `null`,
	} {
		f.Add(uint16(200), []byte(`{"request_id":"x","auth":`+auth+`}`))
	}
	srv := wire.New(f)
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		srv.Restore()
		srv.Replace(wire.To("PUT", "/v1/auth/approle/login"), 0, wire.Answer{
			Raw: fmt.Sprintf("HTTP/1.1 %03d Status\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n%s", status%1000, body),
		})
		store := open(t, vault.Config{Lookup: lookupIn(map[string]string{
			"VAULT_ADDR": srv.URL, "VAULT_ROLE_ID": srv.RoleID, "VAULT_SECRET_ID": srv.SecretID, "VAULT_MAX_RETRIES": "0",
		})})
		defer closeStore(t, store)
		_, err := store.Get(t.Context(), "app")
		if e := (*core.Error)(nil); !errors.As(err, &e) {
			t.Fatalf("a read with a token that is none is %T", err)
		}
		if bytes.Contains(body, []byte(marker)) {
			quotes(t, err)
		}
	})
}

func quotes(t *testing.T, err error) {
	t.Helper()
	for _, link := range chain(err) {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", link, link, link), marker) {
			t.Fatalf("an error quotes what the server said (a %T)", link)
		}
	}
}
