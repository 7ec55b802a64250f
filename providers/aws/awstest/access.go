package awstest

import (
	"slices"
	"strings"
)

// Access is one question to [Config.Authorize]: may this be done?
type Access struct {
	// Action is the permission, for example secretsmanager:GetSecretValue. A batch
	// asks for secretsmanager:BatchGetSecretValue once, without a secret, then
	// for secretsmanager:GetSecretValue on each.
	Action string
	// Account is the caller's.
	Account string
	// Secret is the friendly name, as far as the request tells: "" for lists.
	Secret string
	// ARN is the secret's, "" if there is no such secret.
	ARN string
	// VersionStage and VersionID are what a read names. As in IAM, the stage is
	// "" if the request leaves it out, though AWSCURRENT is then read: a policy with the
	// condition secretsmanager:VersionStage denies that (aws/aws-cli#5031).
	VersionStage, VersionID string
}

type rule struct{ action, pattern string }

// Deny refuses an action, "" for all, on secrets whose name matches a pattern, in
// which '*' stands for any text and '?' for one character, as in IAM. The pattern "*"
// matches the actions without a secret as well. The function that it returns
// takes the rule back. The refusal is AccessDeniedException, the same for a
// secret that exists and one that does not.
func (s *Server) Deny(action, pattern string) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &rule{strings.TrimPrefix(action, "secretsmanager:"), pattern}
	s.denied = append(s.denied, r)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.denied = slices.DeleteFunc(s.denied, func(q *rule) bool { return q == r })
	}
}

// authorize asks before anything is looked up, as IAM does. id is what the
// request gave, and what the refusal shows.
func (s *Server) authorize(r *request, action, id string, read ...string) *APIError {
	if r.trusted {
		return nil
	}
	a := Access{Action: "secretsmanager:" + action, Account: r.account}
	if id != "" {
		a.Secret = friendlyName(id)
		if sec := s.find(r.account, id); sec != nil {
			a.Secret, a.ARN = sec.name, sec.arn
		}
	}
	if len(read) == 2 {
		a.VersionID, a.VersionStage = read[0], read[1]
	}
	allowed := s.cfg.Authorize == nil || s.cfg.Authorize(a)
	for _, rule := range s.denied {
		if (rule.action == "" || rule.action == action) && glob(rule.pattern, a.Secret) {
			allowed = false
		}
	}
	if allowed {
		return nil
	}
	on := ""
	if id != "" {
		on = " on resource: " + id
	}
	return fail("AccessDeniedException",
		"User: arn:aws:iam::%s:user/awstest is not authorized to perform: %s%s because no identity-based policy allows the %s action",
		r.account, a.Action, on, a.Action)
}

// glob matches as IAM does: '*' is any text, '/' too, and '?' one byte.
func glob(pattern, text string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '*' {
			for j := 0; j <= len(text); j++ {
				if glob(pattern[i+1:], text[j:]) {
					return true
				}
			}
			return false
		}
		if text == "" || (pattern[i] != '?' && pattern[i] != text[0]) {
			return false
		}
		text = text[1:]
	}
	return text == ""
}
