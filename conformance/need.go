package conformance

import (
	"io"

	"github.com/lukko-dev/lukko/core"
)

// A need is what must be there for a case to run; unmet says why it is not.
type need struct {
	name  string
	hook  bool
	unmet func(*trial) string
}

func capability(name string, has func(core.Capabilities) bool) (claimed, unclaimed need) {
	claimed = need{name: name, unmet: func(t *trial) string {
		if has(t.caps) {
			return ""
		}
		return "the service does not claim " + name
	}}
	unclaimed = need{name: "no " + name, unmet: func(t *trial) string {
		if has(t.caps) {
			return "the service claims " + name + ", so that is tested"
		}
		return ""
	}}
	return claimed, unclaimed
}

var (
	needSet, noSet             = capability("Set", func(c core.Capabilities) bool { return c.Set })
	needDelete, noDelete       = capability("Delete", func(c core.Capabilities) bool { return c.Delete })
	needPurge, noPurge         = capability("Purge", func(c core.Capabilities) bool { return c.Purge })
	needList, noList           = capability("List", func(c core.Capabilities) bool { return c.List })
	needVersions, noVersions   = capability("Versions", func(c core.Capabilities) bool { return c.Versions })
	needAtVersion, noAtVersion = capability("AtVersion", func(c core.Capabilities) bool { return c.AtVersion })
	needIfAbsent, noIfAbsent   = capability("IfAbsent", func(c core.Capabilities) bool { return c.IfAbsent })
	needIfVersion, noIfVersion = capability("IfVersion", func(c core.Capabilities) bool { return c.IfVersion })
)

// needContent is a way to put a secret in.
var needContent = need{name: "content", unmet: func(t *trial) string {
	if t.caps.Set || t.sub.Seed != nil {
		return ""
	}
	return "nothing can be stored: the service does not claim Set, and the harness offers no Seed"
}}

func hook(name string, offered func(Subject) bool) need {
	return need{name: "hook " + name, hook: true, unmet: func(t *trial) string {
		if offered(t.sub) {
			return ""
		}
		return "the harness offers no " + name
	}}
}

var (
	hookSeed    = hook("Seed", func(s Subject) bool { return s.Seed != nil })
	hookDeny    = hook("Deny", func(s Subject) bool { return s.Deny != nil })
	hookCorrupt = hook("Corrupt", func(s Subject) bool { return s.Corrupt != nil })
	hookFail    = hook("Fail", func(s Subject) bool { return s.Fail != nil })
	hookHold    = hook("Hold", func(s Subject) bool { return s.Hold != nil })
	hookSecond  = hook("Second", func(s Subject) bool { return s.Second != nil })
	hookReopen  = hook("Reopen", func(s Subject) bool { return s.Reopen != nil })
)

// ownStore is a store that the case may close or fill as it likes. It counts
// as a hook, since a live check has none.
var ownStore = need{name: "a store of its own", hook: true, unmet: func(t *trial) string {
	if t.suite.live != nil {
		return "a live check has no store to spare"
	}
	return ""
}}

var needCloser = need{name: "Close", hook: true, unmet: func(t *trial) string {
	if _, ok := t.raw.(io.Closer); ok && t.suite.live == nil {
		return ""
	}
	return "the service is no io.Closer"
}}
