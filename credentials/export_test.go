package credentials

// For tests of the ids alone.
var (
	UserID     = userID
	UserPrefix = userPrefix
	DecodeUser = decodeUser
)

const PendingSuffix = pendingSuffix

// IDOf is the id at which something of a credential is looked for.
func IDOf(d Declared, user string) string { return d.base().idOf(user) }
