package file

import (
	"strings"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/plugin"
	"filippo.io/age/tag"

	"github.com/lukko-dev/lukko/core"
)

// Recipient is somebody who may read a store: the public half of an identity.
type Recipient struct {
	// Key is the recipient as age writes it, such as "age1…" (X25519),
	// "age1pq1…" (post-quantum), "age1NAME1…" (a plugin's) or "ssh-ed25519 …"
	// without the key's comment.
	Key string
	// Name says whose it is. It is a comment, and proves nothing.
	Name string
}

// maxRecipientLen is the longest line of a recipient, as in age itself.
const maxRecipientLen = 8 << 10

// ParseRecipient parses one recipient, as recipients.txt and age -r take it:
// X25519, post-quantum, tagged, a plugin's, ssh-ed25519, or ssh-rsa with at
// least 2048 bits. The comment of an SSH key becomes the Name. Post-quantum
// recipients can't be mixed with others in one store.
//
// The error matches core.ErrInvalidValue and does not repeat the line, which
// by mistake could be a private key.
func ParseRecipient(line string) (Recipient, error) {
	r, _, err := parseRecipient(line, nil)
	return r, err
}

func parseRecipient(line string, ui *plugin.ClientUI) (Recipient, age.Recipient, error) {
	line = strings.TrimSpace(line)
	fail := func(hint string) (Recipient, age.Recipient, error) {
		return Recipient{}, nil, &core.Error{Kind: core.ErrInvalidValue, Hint: hint}
	}
	if strings.HasPrefix(line, "AGE-") || strings.HasPrefix(line, "-----BEGIN") {
		return fail("this is an identity, the private half, which nobody else may see; a recipient begins with age1 or ssh-")
	}
	if len(line) > maxRecipientLen || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
		return fail("this is no recipient of age")
	}
	r := Recipient{Key: line}
	var to age.Recipient
	var err error
	switch {
	case strings.HasPrefix(line, "age1tag1"), strings.HasPrefix(line, "age1tagpq1"):
		to, err = tag.ParseRecipient(line)
	case strings.HasPrefix(line, "age1pq1"):
		to, err = age.ParseHybridRecipient(line)
	case strings.HasPrefix(line, "age1") && strings.Count(line, "1") > 1:
		to, err = newPluginRecipient(line, ui)
	case strings.HasPrefix(line, "age1"):
		to, err = age.ParseX25519Recipient(line)
	case strings.HasPrefix(line, "ssh-"):
		to, err = agessh.ParseRecipient(line)
		fields := strings.Fields(line)
		if err == nil && len(fields) >= 2 {
			r.Key = fields[0] + " " + fields[1]
			r.Name = printable(strings.Join(fields[2:], " "))
		}
	default:
		return fail("this is no recipient of age: it begins with neither age1 nor ssh-")
	}
	if err != nil {
		return fail("this is no recipient of age: it does not parse, or its kind is not supported")
	}
	return r, to, nil
}

// printable drops what could rewrite a terminal, or end a line.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || 0x80 <= c && c < 0xa0 || c == utf8.RuneError {
			return -1
		}
		return c
	}, s))
}
