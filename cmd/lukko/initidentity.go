package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/providers/file"
)

// secondRecipient is the recovery recipient that is asked for, if it is known
// already. At a terminal it asks.
func (i *initializer) secondRecipient(ctx context.Context, haveStore bool) (*file.Recipient, error) {
	if i.recovery == "" && i.recoveryFile == "" && !haveStore {
		answer, err := i.app.ask(ctx, "Whoever loses the only identity of a store loses the store.\n"+
			"A recovery recipient (age1…), or a new file for a recovery identity, or nothing: ")
		if err != nil {
			return nil, err
		}
		if isKey(answer) {
			i.recovery = answer
		} else {
			i.recoveryFile = answer
		}
	}
	if i.recovery == "" {
		if i.recoveryFile == "" || haveStore {
			return nil, i.noNewRecovery(haveStore)
		}
		there, err := exists(i.recoveryFile)
		if err == nil && there {
			err = failure(exitNo, "the file of the recovery identity is there already, and is never overwritten", "name a new one, or give its recipient by --recovery")
		}
		return nil, err
	}
	r, err := file.ParseRecipient(i.recovery)
	if err != nil {
		return nil, err
	}
	if r.Name == "" {
		r.Name = "recovery"
	}
	return &r, nil
}

// isKey reports whether text is a key and not the name of a file: a private key
// that somebody pasted by mistake must not become a file's name.
func isKey(text string) bool {
	text = strings.ToUpper(text)
	return strings.HasPrefix(text, "AGE1") || strings.HasPrefix(text, "AGE-SECRET-KEY-") ||
		strings.HasPrefix(text, "AGE-PLUGIN-") || strings.HasPrefix(text, "SSH-") || strings.HasPrefix(text, "-----BEGIN")
}

// noNewRecovery refuses to make a recovery identity for a store that is there:
// it would not be one of its recipients.
func (i *initializer) noNewRecovery(haveStore bool) error {
	if haveStore && i.recoveryFile != "" {
		return failure(exitNo, "the store is there already, and init does not change it", "make an identity by age-keygen, and add its recipient by lukko recipients add")
	}
	return nil
}

// identity returns the user's recipients, and makes an identity where there is
// none.
func (i *initializer) identity(ctx context.Context) ([]file.Recipient, error) {
	cfg := i.app.fileConfig("")
	path, err := file.IdentityPath(cfg)
	named := false
	for _, name := range []string{"LUKKO_IDENTITY", "LUKKO_IDENTITY_FILE"} {
		value, _ := i.app.lookup(name)
		named = named || value != ""
	}
	if !named {
		if err != nil {
			return nil, err
		}
		if named, err = exists(path); err != nil {
			return nil, err
		}
	}
	if named {
		found, err := file.FindIdentity(ctx, cfg)
		if err != nil {
			return nil, err
		}
		i.say("there is      %s, your identity", found.Source)
		return found.Recipients, nil
	}
	r, err := i.makeIdentity(path)
	if err != nil {
		return nil, err
	}
	i.say("made          %s, your identity (mode 0600, never to be committed)", path)
	return []file.Recipient{r}, nil
}

func (i *initializer) makeIdentity(path string) (file.Recipient, error) {
	var missing []string // folders, the innermost first
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		there, err := exists(dir)
		if err != nil {
			return file.Recipient{}, err
		}
		if there || dir == filepath.Dir(dir) {
			break
		}
		missing = append(missing, dir)
	}
	r, err := file.CreateIdentity(path, file.IdentityOptions{})
	slices.Reverse(missing)
	i.made = append(i.made, missing...)
	if err == nil {
		i.made = append(i.made, path)
	}
	return r, err
}

func (i *initializer) makeRecovery() (*file.Recipient, error) {
	r, err := i.makeIdentity(i.recoveryFile)
	if err != nil {
		return nil, err
	}
	r.Name = "recovery"
	i.say("made          %s, the recovery identity: move it to where this machine's loss does not reach", i.recoveryFile)
	return &r, nil
}
