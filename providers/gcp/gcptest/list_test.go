package gcptest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// ListSecretsResponse.secrets: "sorted in reverse by create_time (newest
// first)".
func TestListsAreNewestFirst(t *testing.T) {
	t.Parallel()
	clock := gcptest.NewClock(start)
	srv, c := strict(t, gcptest.WithClock(clock.Now))
	for _, id := range []string{"b", "c", "a"} {
		srv.Seed(id, []byte("1"), []byte("2"))
		clock.Advance(time.Second)
	}
	names, err := secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project})
	if err != nil || !slices.Equal(names, []string{"a", "c", "b"}) {
		t.Errorf("the secrets are %v, %v", names, err)
	}
	versions, err := versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/a"})
	if err != nil || !slices.Equal(versions, []string{number + "/secrets/a/versions/2", number + "/secrets/a/versions/1"}) {
		t.Errorf("the versions are %v, %v", versions, err)
	}
}

// ListSecretsRequest.page_size and page_token; total_size: "The total number of
// Secrets but 0 when the filter field is set."
func TestPagesHoldEverySecretOnceWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	for i := range 7 {
		srv.Seed(fmt.Sprintf("s%d", i))
	}
	req := &secretmanagerpb.ListSecretsRequest{Parent: project, PageSize: 3}
	var pages [][]string
	for {
		pager := iterator.NewPager(c.ListSecrets(t.Context(), req), 3, req.GetPageToken())
		var page []*secretmanagerpb.Secret
		next, err := pager.NextPage(&page)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range page {
			names = append(names, s.GetName()[len(number+"/secrets/"):])
		}
		pages = append(pages, names)
		if next == "" {
			break
		}
		req.PageToken = next
		if len(pages) == 1 {
			// Neither a secret that is newer than the page, nor one that goes
			// from it, moves the others.
			srv.Seed("new")
			if err := c.DeleteSecret(t.Context(), &secretmanagerpb.DeleteSecretRequest{Name: project + "/secrets/s5"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := fmt.Sprint(pages), "[[s6 s5 s4] [s3 s2 s1] [s0]]"; got != want {
		t.Errorf("the pages are %s, want %s", got, want)
	}
}

func TestTheLastFullPageHasNoToken(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	for i := range 4 {
		srv.Seed(fmt.Sprintf("s%d", i), []byte("1"), []byte("2"))
	}
	srv.ResetCalls()
	pager := iterator.NewPager(c.ListSecrets(t.Context(), &secretmanagerpb.ListSecretsRequest{Parent: project}), 2, "")
	for i, more := range []bool{true, false} {
		var page []*secretmanagerpb.Secret
		next, err := pager.NextPage(&page)
		if err != nil || len(page) != 2 || (next != "") != more {
			t.Fatalf("page %d has %d secrets and the token %q, %v", i, len(page), next, err)
		}
	}
	if n := srv.CountCalls("ListSecrets"); n != 2 {
		t.Errorf("4 secrets by pages of 2 took %d calls", n)
	}
	if got, err := versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/s0", PageSize: 1}); err != nil || len(got) != 2 {
		t.Errorf("the versions by pages of 1 are %v, %v", got, err)
	}
	if n := srv.CountCalls("ListSecretVersions"); n != 2 {
		t.Errorf("2 versions by pages of 1 took %d calls", n)
	}
}

func TestTheTotalIsThereUnlessThereIsAFilter(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("a", []byte("1"), []byte("2"))
	srv.Seed("b")
	totals := func(filter string) (secrets, versions int32) {
		t.Helper()
		it := c.ListSecrets(t.Context(), &secretmanagerpb.ListSecretsRequest{Parent: project, PageSize: 1, Filter: filter})
		if _, err := it.Next(); err != nil {
			t.Fatal(err)
		}
		vit := c.ListSecretVersions(t.Context(), &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/a", PageSize: 1, Filter: filter})
		if _, err := vit.Next(); err != nil {
			t.Fatal(err)
		}
		return it.Response.(*secretmanagerpb.ListSecretsResponse).GetTotalSize(), vit.Response.(*secretmanagerpb.ListSecretVersionsResponse).GetTotalSize()
	}
	if s, v := totals(""); s != 2 || v != 2 {
		t.Errorf("the totals are %d and %d, want 2 and 2", s, v)
	}
	if s, v := totals("name:secrets"); s != 0 || v != 0 {
		t.Errorf("with a filter the totals are %d and %d", s, v)
	}
}

// https://google.aip.dev/158: a token is good for the same request only.
func TestATokenOfAnotherListIsRefused(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("a")
	srv.Seed("b")
	it := c.ListSecrets(t.Context(), &secretmanagerpb.ListSecretsRequest{Parent: project, PageSize: 1})
	if _, err := it.Next(); err != nil {
		t.Fatal(err)
	}
	token := it.PageInfo().Token
	for name, req := range map[string]*secretmanagerpb.ListSecretsRequest{
		"another filter": {Parent: project, PageToken: token, Filter: "name:a"},
		"made up":        {Parent: project, PageToken: "x"},
	} {
		_, err := secretNames(t, c, req)
		wantCode(t, name, err, codes.InvalidArgument)
	}
	_, err := versionNames(t, c, &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/a", PageToken: token})
	wantCode(t, "another list", err, codes.InvalidArgument)
	_, err = secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project, PageSize: -1})
	wantCode(t, "a negative size", err, codes.InvalidArgument)
}

// ListSecretsRequest.page_size: "If set to 0, the server decides the number of
// results to return."
func TestAListWithoutASizeComesInPages(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	for i := range 1000 {
		srv.Seed(fmt.Sprintf("s%d", i))
	}
	names, err := secretNames(t, c, &secretmanagerpb.ListSecretsRequest{Parent: project})
	slices.Sort(names)
	if err != nil || len(slices.Compact(names)) != 1000 {
		t.Fatalf("listing 1000 gave %d, %v", len(names), err)
	}
	if n := srv.CountCalls("ListSecrets"); n != 4 {
		t.Errorf("listing 1000 took %d calls", n)
	}
}
