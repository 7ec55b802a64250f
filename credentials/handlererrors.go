package credentials

import (
	"errors"
	"net/http"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// problemOf says what an error of the store or of package oauth2 is to who
// asked.
func (h *Handler) problemOf(v *visit, err error) *problem {
	var e *oauth2.Error
	switch {
	case errors.Is(err, ErrDeclaration):
		return errInternal
	case errors.Is(err, errors.ErrUnsupported):
		return errUnfit
	case errors.As(err, &e):
		return h.problemOfProvider(v, e)
	}
	return errStoreDown
}

// problemOfAnswer is problemOf for an answer that was not taken. What is
// refused without a word to the provider has neither a status nor a cause.
func (h *Handler) problemOfAnswer(v *visit, err error) *problem {
	var e *oauth2.Error
	if errors.As(err, &e) && e.Kind == core.ErrInvalidValue && e.Status == 0 && e.Code == "" && e.Err == nil { //nolint:errorlint // a Kind is a sentinel itself
		return errMixedUp
	}
	return h.problemOf(v, err)
}

func (h *Handler) problemOfProvider(v *visit, e *oauth2.Error) *problem {
	if cause := (*core.Error)(nil); errors.As(e.Err, &cause) && cause.Provider != "" && !errors.Is(cause, core.ErrNotFound) {
		return errStoreDown // it is the store that failed
	}
	switch {
	case errors.Is(e, core.ErrNotFound):
		return &problem{http.StatusServiceUnavailable, "not_configured", v.display() +
			" is not set up. Whoever runs the application must store what the provider gave for it, as with: lukko set " + v.target.spec.SecretID}
	case errors.Is(e, core.ErrInvalidValue), errors.Is(e, core.ErrInvalidOption), errors.Is(e, core.ErrUnauthenticated):
		return &problem{http.StatusServiceUnavailable, "misconfigured", v.display() +
			" is not set up as it must be. Whoever runs the application must mend the secret " + v.target.spec.SecretID +
			" or the settings, and finds in its log what is wrong."}
	case errors.Is(e, core.ErrPermissionDenied):
		return errRefused
	}
	return errProviderDown
}

// isDenied reports whether the user said no at the provider (RFC 6749 section
// 4.1.2.1).
func isDenied(err error) bool {
	var e *oauth2.Error
	return errors.As(err, &e) && e.Code == "access_denied"
}
