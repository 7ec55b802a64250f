package credentials

// For tests of the ids alone.
var (
	UserID     = userID
	UserPrefix = userPrefix
	DecodeUser = decodeUser
)

const PendingSuffix = pendingSuffix
