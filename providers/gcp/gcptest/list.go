package gcptest

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

// maxPage is the most that a page has, and defaultPage what one has that was
// asked for without a size, which is the server's to choose.
const (
	maxPage     = 25_000
	defaultPage = 250
)

// ListSecrets returns a page of secrets, newest first.
func (s *service) ListSecrets(ctx context.Context, req *secretmanagerpb.ListSecretsRequest) (*secretmanagerpb.ListSecretsResponse, error) {
	n := nameOf(ctx)
	keep, err := s.filter(req.GetFilter(), secretItem(nil))
	if err != nil {
		return nil, err
	}
	p, err := newPage(req.GetPageSize(), req.GetPageToken(), n.parent()+"\n"+req.GetFilter())
	if err != nil {
		return nil, err
	}
	defer s.lock()()
	now := s.srv.clock()
	st := s.srv.store
	resp := &secretmanagerpb.ListSecretsResponse{}
	all := st.list(n.parent(), now)
	if s.lenient() {
		slices.SortFunc(all, func(a, b *secret) int { return cmp.Compare(a.pb.GetName(), b.pb.GetName()) })
	} else {
		slices.Reverse(all)
	}
	for i, secret := range all {
		seen := st.seen(secret, now)
		if seen.gone {
			continue
		}
		if req.GetFilter() == "" && !s.lenient() {
			resp.TotalSize++
		}
		// A token says after which secret to go on, which stays right while
		// others come and go.
		key := secret.seq
		if s.lenient() {
			key = int64(len(all) - i)
		}
		if !keep.secret(seen.pb) || !p.take(key) {
			continue
		}
		resp.Secrets = append(resp.Secrets, s.shown(seen.pb))
	}
	resp.NextPageToken = p.token()
	return resp, nil
}

// ListSecretVersions returns a page of versions, newest first, without
// payloads.
func (s *service) ListSecretVersions(ctx context.Context, req *secretmanagerpb.ListSecretVersionsRequest) (*secretmanagerpb.ListSecretVersionsResponse, error) {
	n := nameOf(ctx)
	keep, err := s.filter(req.GetFilter(), versionItem(nil))
	if err != nil {
		return nil, err
	}
	p, err := newPage(req.GetPageSize(), req.GetPageToken(), n.secretPath()+"\n"+req.GetFilter())
	if err != nil {
		return nil, err
	}
	defer s.lock()()
	secret, err := s.secret(n)
	if err != nil {
		return nil, err
	}
	seen := s.srv.store.seen(secret, s.srv.clock())
	if seen.gone {
		return nil, errNoSecret(n)
	}
	resp := &secretmanagerpb.ListSecretVersionsResponse{}
	if req.GetFilter() == "" && !s.lenient() {
		resp.TotalSize = int32(len(seen.versions))
	}
	for i := range seen.versions {
		at := len(seen.versions) - 1 - i // newest first
		key := int64(at + 1)
		if s.lenient() {
			at = i
			key = int64(len(seen.versions) - i)
		}
		pb := seen.versions[at].pb
		if !keep.version(pb) || !p.take(key) {
			continue
		}
		resp.Versions = append(resp.Versions, s.shownVersion(pb))
	}
	resp.NextPageToken = p.token()
	return resp, nil
}

// page takes what belongs on one page from a list whose keys fall.
type page struct {
	size   int
	query  string // what was asked: a token is good for the same question only
	before int64  // 0 for the first page
	taken  int
	last   int64
	more   bool
}

func newPage(size int32, token, query string) (*page, error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(query))
	p := &page{size: int(min(size, maxPage)), query: strconv.FormatUint(h.Sum64(), 36)}
	if size < 0 {
		return nil, errInvalid("Field [page_size] cannot be negative.")
	}
	if size == 0 {
		p.size = defaultPage
	}
	if token == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	before, query, _ := strings.Cut(string(text), " ")
	p.before, _ = strconv.ParseInt(before, 10, 64)
	if err != nil || p.before < 1 || query != p.query {
		return nil, errInvalid("Field [page_token] is not valid for this request.")
	}
	return p, nil
}

// take reports whether the item of the key is on the page.
func (p *page) take(key int64) bool {
	if p.before != 0 && key >= p.before {
		return false
	}
	if p.taken == p.size {
		p.more = true
		return false
	}
	p.taken++
	p.last = key
	return true
}

// token is what asks for the next page, empty after the last one.
func (p *page) token() string {
	if !p.more {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("%d %s", p.last, p.query)))
}
