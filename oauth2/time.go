package oauth2

import "time"

// Time is a time in a stored form: RFC 3339. The zero Time is one that is not
// known, and so is all that can't be read as a time.
type Time struct{ time.Time }
