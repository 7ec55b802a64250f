package gcptest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// store holds every secret. Its messages are never changed in place: a change
// puts a new one there, so that an answer under way and a view of the past keep
// what they had. The server's mutex guards it.
type store struct {
	secrets map[string]*secret   // by canonical name
	parents map[string][]*secret // by canonical parent, oldest first
	seq     int64                // of secrets and etags
	lag     time.Duration
}

// secret is one secret with its versions, version 1 first.
type secret struct {
	seq      int64
	pb       *secretmanagerpb.Secret
	versions []*version
	policy   *iampb.Policy
	gone     bool
	past     []view // while a change is not yet seen everywhere, oldest first
}

// version is one version with its payload, which is nil once destroyed.
type version struct {
	pb   *secretmanagerpb.SecretVersion
	data []byte
	crc  int64
}

// view is what an eventually consistent read sees of a secret from a time on.
type view struct {
	from     time.Time
	pb       *secretmanagerpb.Secret
	versions []*version
	gone     bool
}

func newStore() *store {
	return &store{secrets: make(map[string]*secret), parents: make(map[string][]*secret)}
}

// etag is one that was never used before.
func (st *store) etag() string {
	st.seq++
	return strconv.Quote(fmt.Sprintf("%014x", 0x15f4fd8d1e0000+st.seq))
}

// find returns the secret, after what its times have made of it by now.
func (st *store) find(n name, now time.Time) *secret {
	s := st.secrets[n.secretPath()]
	if s == nil {
		return nil
	}
	st.tick(s, now)
	if s.gone {
		return nil
	}
	return s
}

// tick carries out what was scheduled for a time that has passed: the expiry
// of a secret and the delayed destruction of a version.
func (st *store) tick(s *secret, now time.Time) {
	if s.gone {
		return
	}
	if at := s.pb.GetExpireTime(); at != nil && !now.Before(at.AsTime()) {
		st.remove(s, now)
		return
	}
	for i, v := range s.versions {
		at := v.pb.GetScheduledDestroyTime()
		if at == nil || v.pb.GetState() == secretmanagerpb.SecretVersion_DESTROYED || now.Before(at.AsTime()) {
			continue
		}
		st.change(s, now, func() { s.versions[i] = destroyed(v, at.AsTime(), st.etag()) })
	}
}

// insert adds a secret under its name.
func (st *store) insert(n name, pb *secretmanagerpb.Secret, now time.Time) *secret {
	st.seq++
	s := &secret{seq: st.seq, gone: true}
	st.change(s, now, func() {
		s.pb = pb
		s.gone = false
	})
	st.secrets[n.secretPath()] = s
	st.parents[n.parent()] = append(st.parents[n.parent()], s)
	return s
}

// remove deletes a secret. It stays among its siblings until no list shows it.
func (st *store) remove(s *secret, now time.Time) {
	st.change(s, now, func() { s.gone = true })
	delete(st.secrets, s.pb.GetName())
}

// list returns the secrets of a parent, oldest first, with those that are gone
// but still seen.
func (st *store) list(parent string, now time.Time) []*secret {
	st.parents[parent] = slices.DeleteFunc(st.parents[parent], func(s *secret) bool {
		st.tick(s, now)
		return st.seen(s, now).gone && s.gone
	})
	return slices.Clone(st.parents[parent])
}

// change applies a change and keeps, while reads lag, what was there before.
func (st *store) change(s *secret, now time.Time, f func()) {
	if st.lag == 0 {
		f()
		return
	}
	if len(s.past) == 0 {
		s.past = append(s.past, s.current(time.Time{}))
	}
	f()
	s.past = append(s.past, s.current(now))
}

// current is the newest view of a secret.
func (s *secret) current(from time.Time) view {
	return view{from: from, pb: s.pb, versions: slices.Clone(s.versions), gone: s.gone}
}

// seen is what an eventually consistent read sees of a secret.
func (st *store) seen(s *secret, now time.Time) view {
	for len(s.past) > 1 && !now.Before(s.past[1].from.Add(st.lag)) {
		s.past = s.past[1:]
	}
	if len(s.past) == 1 {
		s.past = nil
	}
	if len(s.past) == 0 {
		return s.current(time.Time{})
	}
	return s.past[0]
}

// settle lets every read see everything.
func (st *store) settle() {
	for _, all := range st.parents {
		for _, s := range all {
			s.past = nil
		}
	}
}

// destroyed is a version without its payload.
func destroyed(v *version, at time.Time, etag string) *version {
	pb := proto.CloneOf(v.pb)
	pb.State = secretmanagerpb.SecretVersion_DESTROYED
	pb.DestroyTime = timestamppb.New(at)
	pb.ScheduledDestroyTime = nil
	pb.Etag = etag
	return &version{pb: pb}
}
