package core

// GetOptionsOf returns the options of a read as one struct. It is for those
// who write a SecretService without [New]; a [Backend] gets the struct. An
// error matches ErrInvalidOption: an empty version, two different ones, or an
// option that is nil or of a foreign type.
func GetOptionsOf(opts ...GetOption) (GetOptions, error) {
	o, hint := collectGet(opts)
	return o, invalidOption(hint)
}

// SetOptionsOf is [GetOptionsOf] for a write. IfAbsent together with IfVersion
// is an error too.
func SetOptionsOf(opts ...SetOption) (SetOptions, error) {
	o, hint := collectSet(opts)
	return o, invalidOption(hint)
}

// DeleteOptionsOf is [GetOptionsOf] for a delete.
func DeleteOptionsOf(opts ...DeleteOption) (DeleteOptions, error) {
	o, hint := collectDelete(opts)
	return o, invalidOption(hint)
}

func invalidOption(hint string) error {
	if hint == "" {
		return nil
	}
	return &Error{Kind: ErrInvalidOption, Hint: hint}
}
