package awstest

import (
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
)

const suffixLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// looksComplete is a name that ends as an ARN does: a hyphen and six characters.
var looksComplete = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

// newARN adds a hyphen and six random characters to the name.
func (s *Server) newARN(account, name string) string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	for i := range b {
		b[i] = suffixLetters[int(b[i])%len(suffixLetters)]
	}
	return s.arnPrefix(account) + name + "-" + string(b[:])
}

func (s *Server) arnPrefix(account string) string {
	return "arn:aws:secretsmanager:" + s.cfg.Region + ":" + account + ":secret:"
}

// friendlyName is what an id says of the name: all of it, or what follows
// "secret:" in an ARN.
func friendlyName(id string) string {
	if !strings.HasPrefix(id, "arn:") {
		return id
	}
	_, name, _ := strings.Cut(id, ":secret:")
	return name
}

// find looks a secret up for a caller: by name in its own account, by full ARN in
// any account of this region, by partial ARN in its own account. A partial ARN
// of a name that ends in a hyphen and six characters is taken for a full one, and not
// found: "An AWS CLI or AWS SDK operation can't find my secret from a partial ARN" in
// the user guide.
func (s *Server) find(account, id string) *secret {
	own := func(name string) *secret {
		return s.first(func(sec *secret) bool { return sec.account == account && sec.name == name })
	}
	if !strings.HasPrefix(id, "arn:") {
		return own(id)
	}
	if sec := s.first(func(sec *secret) bool { return sec.arn == id }); sec != nil {
		return sec
	}
	name, ok := strings.CutPrefix(id, s.arnPrefix(account))
	if !ok || looksComplete.MatchString(name) {
		return nil
	}
	return own(name)
}

func (s *Server) first(match func(*secret) bool) *secret {
	i := slices.IndexFunc(s.secrets, match)
	if i < 0 {
		return nil
	}
	return s.secrets[i]
}
