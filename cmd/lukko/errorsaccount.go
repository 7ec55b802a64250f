package main

import (
	"context"
	"errors"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// explainAccount is explain for the errors of credentials and their providers.
func explainAccount(ctx context.Context, err error) (what, hint string, ok bool) {
	var missing *credentials.MissingError
	var not *oauth2.NotConnectedError
	var again *oauth2.ReauthorizeError
	var failed *oauth2.Error
	switch {
	case errors.As(err, &missing):
		m := credentials.Meta{Spec: credentials.Spec{Name: missing.Name}}
		what = label(m, missing.User)
		if missing.OAuth2 {
			return what + " is not connected", connectWith(missing.Name, missing.User), true
		}
		hint = storeWith(missing.Name, missing.User)
		if missing.DocsURL != "" {
			hint += "; how to get one: " + missing.DocsURL
		}
		return what + " is not stored", hint, true
	case errors.As(err, &again):
		what = label(credentials.Meta{Spec: credentials.Spec{Name: again.Name}}, again.User) + " must be connected again"
		if again.Code != "" {
			what += ": the provider says " + again.Code
		}
		return what, connectWith(again.Name, again.User), true
	case errors.As(err, &not):
		what = label(credentials.Meta{Spec: credentials.Spec{Name: not.Name}}, not.User)
		return what + " is not connected", connectWith(not.Name, not.User), true
	case errors.Is(err, context.Canceled) && ctx.Err() != nil && core.KindOf(err) == nil:
		return "", "", false // interrupted
	case errors.As(err, &failed):
		short := *failed
		hint, short.Hint = short.Hint, ""
		short.Op, short.Name, short.User = "", "", ""
		what = failed.Op
		if failed.Name != "" {
			what += " " + label(credentials.Meta{Spec: credentials.Spec{Name: failed.Name}}, failed.User)
		}
		// The rules that a stored secret breaks are more than a line has room for.
		inner, text := (*core.Error)(nil), ""
		switch schemaErr := (*schema.Error)(nil); {
		case errors.As(failed.Err, &schemaErr):
			short.Err = nil
			text, _ = problems(schemaErr)
		case errors.As(failed.Err, &inner):
			short.Err = nil
			own := *inner
			own.Hint = ""
			text = own.Error()
			if hint == "" {
				hint = inner.Hint
			}
		}
		what += short.Error()[len("oauth2"):]
		if text != "" {
			what += ": " + text
		}
		return what, hint, true
	}
	return "", "", false
}

func connectWith(name, user string) string {
	return "connect it with lukko oauth connect " + name + forUser(user)
}

func storeWith(name, user string) string {
	return "store it with lukko credentials set " + name + forUser(user)
}

func forUser(user string) string {
	if user == "" {
		return ""
	}
	return " --user USER"
}
