package aws

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/lukko-dev/lukko/core"
)

// newToken is a version's id, which the writer gives: a UUID of version 7 (RFC
// 9562), whose 74 random bits follow the time, with what a millisecond leaves out in
// the 12 bits behind its version. The service tells times in milliseconds, so the
// ids order what was made within one.
func newToken() string {
	now := time.Now()
	var b [16]byte
	_, _ = rand.Read(b[8:]) // never fails
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16|7<<12|uint64(now.Nanosecond()%1e6)*4096/1e6)
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ordered reports whether an id is of newToken's making, as far as can be seen.
func ordered(version string) bool { return len(version) >= 36 && version[14] == '7' }

// timeOf is the time in an id of newToken's making; zero of any other.
func timeOf(version string) time.Time {
	if !ordered(version) {
		return time.Time{}
	}
	ms, err := strconv.ParseInt(version[:8]+version[9:13], 16, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// overMark stands in the id of a version that is to follow one other, before what
// tells which.
const overMark = "-over-"

// newTokenOver is the id of a version that a conditional write makes: as any other, with a
// digest of the id of the version that it may follow. Writers that lose leave their
// versions behind, since the service deletes none at once. The digest tells those from
// versions that have been current: nobody tries to follow one that never was.
func newTokenOver(expected string) string { return newToken() + overMark + digest(expected) }

// digest is of a version's id, which is no secret.
func digest(version string) string {
	sum := sha256.Sum256([]byte(version))
	return base32.StdEncoding.EncodeToString(sum[:15])[:22] // what fits in 64 characters
}

// follows returns the digest of the version that one was to follow; empty if
// it was made without a condition, or by others.
func follows(version string) string {
	_, parent, _ := strings.Cut(version, overMark)
	return parent
}

// history returns what has been current of all versions, the newest first, and what
// others have staged. It is nil if an entry is none. A version of a conditional
// write that has lost its labels, and that no other conditional write
// tried to follow, could be one that lost, so it is left out.
func history(all []types.SecretVersionsListEntry, s state) []core.Info {
	followed := map[string]bool{}
	for _, v := range all {
		followed[follows(sdk.ToString(v.VersionId))] = true
	}
	infos := make([]core.Info, 0, len(all))
	for _, v := range slices.Backward(all) { // the oldest come first, where stand-ins have many of one time
		id := sdk.ToString(v.VersionId)
		if id == "" {
			return nil
		}
		if follows(id) != "" && !s.has(id) && !followed[digest(id)] {
			continue
		}
		infos = append(infos, core.Info{Version: id, Created: sdk.ToTime(v.CreatedDate)})
	}
	rank := func(v core.Info) int {
		switch v.Version {
		case s.current:
			return 0
		case s.before:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(infos, func(v, w core.Info) int {
		first := 0
		if v.Version == s.current || w.Version == s.current {
			first = rank(v) - rank(w)
		}
		if order := cmp.Or(first, w.Created.Compare(v.Created)); order != 0 || !ordered(v.Version) || !ordered(w.Version) {
			return cmp.Or(order, rank(w)-rank(v))
		}
		return strings.Compare(w.Version, v.Version)
	})
	// Nothing has come between a conditional write and what it followed, whatever was
	// made within the same millisecond.
	for _, v := range slices.Clone(infos) {
		at := slices.IndexFunc(infos, func(w core.Info) bool { return w.Version == v.Version })
		to := slices.IndexFunc(infos, func(w core.Info) bool { return digest(w.Version) == follows(v.Version) })
		if to > at+1 && v.Version != s.current {
			copy(infos[at:to-1], infos[at+1:to])
			infos[to-1] = v
		}
	}
	return infos
}
