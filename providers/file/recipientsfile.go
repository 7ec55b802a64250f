package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/lukko-dev/lukko/core"
)

const (
	// formatLine is the first line of recipients.txt; it is what makes a
	// folder a store.
	formatLine = "# lukko.dev/file-store/v1"
	// formatFamily begins the first line of every version of the format.
	formatFamily = "# lukko.dev/file-store/"
	// removedMark begins the comment that a removed recipient becomes. The
	// file merges as the union of both sides' lines; a line that was only
	// deleted would come back by that, and a comment that says so does not.
	removedMark = "# removed "

	maxRecipientsFileLen = 16 << 20
	maxRecipients        = 1000 // age takes 1024 stanzas in a header
)

const recipientsIntro = formatLine + `
# Who may read the secrets in this folder: one recipient a line, as age -R takes
# them, each below a comment that says whose it is. Change it by "lukko recipients
# add" and "rm", which also encrypt the secrets anew.
`

// recipientSet is recipients.txt, parsed.
type recipientSet struct {
	list   []Recipient // in the order of the file, each once
	to     []age.Recipient
	digest string
}

// digestOf is a short digest of a set, whatever its order and comments.
func digestOf(list []Recipient) string {
	keys := make([]string, len(list))
	for i, r := range list {
		keys[i] = r.Key
	}
	slices.Sort(keys)
	sum := sha256.Sum256([]byte(strings.Join(keys, "\n")))
	return hex.EncodeToString(sum[:])[:digestLen]
}

func isDigest(s string) bool {
	return len(s) == digestLen && strings.Trim(s, "0123456789abcdef") == ""
}

// parseRecipients parses recipients.txt. No error repeats a line.
func parseRecipients(data []byte, ui *plugin.ClientUI) (*recipientSet, error) {
	fail := func(line int, what string) (*recipientSet, error) {
		return nil, &core.Error{Kind: core.ErrCorrupt, Hint: recipientsName + ", line " + strconv.Itoa(line) + ": " + what}
	}
	lines := strings.Split(string(data), "\n")
	if err := checkFormat(lines[0]); err != nil {
		return nil, err
	}
	type entry struct {
		Recipient
		to age.Recipient
	}
	var entries []entry
	at := map[string]int{} // by key
	removed := map[string]bool{}
	name := ""
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		switch {
		case i == 0:
		case line == "":
			name = ""
		case strings.HasPrefix(line, "<<<<<<<"), strings.HasPrefix(line, ">>>>>>>"), strings.HasPrefix(line, "======="):
			return fail(i+1, "a conflict of git; keep the lines of both sides, then run lukko recipients accept and lukko recipients sync")
		case strings.HasPrefix(line, removedMark):
			r, _, err := parseRecipient(strings.TrimPrefix(line, removedMark), ui)
			if err == nil {
				removed[r.Key] = true
			}
			name = ""
		case strings.HasPrefix(line, "#"):
			name = printable(strings.TrimLeft(line, "# "))
		default:
			r, to, err := parseRecipient(line, ui)
			if err != nil {
				hint := "no recipient of age"
				if given := (*core.Error)(nil); errors.As(err, &given) {
					hint = given.Hint
				}
				return fail(i+1, hint)
			}
			if name != "" {
				r.Name = name
			}
			name = ""
			if _, twice := at[r.Key]; twice {
				continue
			}
			at[r.Key] = len(entries)
			entries = append(entries, entry{r, to})
		}
	}
	set := &recipientSet{}
	for _, e := range entries {
		if removed[e.Key] {
			continue
		}
		set.list = append(set.list, e.Recipient)
		set.to = append(set.to, e.to)
	}
	if len(set.list) == 0 {
		return nil, &core.Error{Kind: core.ErrCorrupt, Hint: recipientsName + " names no recipient, so nobody could read what is written"}
	}
	if len(set.list) > maxRecipients {
		return nil, &core.Error{Kind: core.ErrCorrupt, Hint: recipientsName + " names more than " + strconv.Itoa(maxRecipients) + " recipients"}
	}
	set.digest = digestOf(set.list)
	return set, nil
}

// checkFormat checks the first line of recipients.txt.
func checkFormat(line string) error {
	line = strings.TrimRight(line, "\r")
	switch {
	case line == formatLine:
		return nil
	case strings.HasPrefix(line, formatFamily):
		return &core.Error{Kind: errors.ErrUnsupported, Hint: "the store was made by a newer version of Lukko; upgrade to use it"}
	}
	return &core.Error{Kind: core.ErrCorrupt, Hint: "the folder is no store of Lukko: the first line of " + recipientsName +
		" is not " + formatLine + "; lukko init makes a new store"}
}

// addLine returns recipients.txt with one more recipient.
func addLine(data []byte, r Recipient) []byte {
	data = dropLines(data, func(line string) bool { return tombstoneOf(line) == r.Key })
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	data = append(data, '\n')
	if r.Name != "" {
		data = append(data, "# "+r.Name+"\n"...)
	}
	return append(data, r.Key+"\n"...)
}

// removeLine returns recipients.txt with a comment in the place of a
// recipient.
func removeLine(data []byte, key string) []byte {
	var out bytes.Buffer
	done := false
	for line := range strings.Lines(string(data)) {
		if keyOf(line) == key {
			if done {
				continue
			}
			done = true
			line = removedMark + key + "\n"
		}
		out.WriteString(line)
	}
	return out.Bytes()
}

// normalize drops the lines that a merge left without effect: recipients that
// are also marked as removed, and repeated ones. After it age -R reads the
// same set as this package does.
func normalize(data []byte) []byte {
	removed := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if key := tombstoneOf(line); key != "" {
			removed[key] = true
		}
	}
	seen := map[string]bool{}
	return dropLines(data, func(line string) bool {
		if key := tombstoneOf(line); key != "" {
			twice := seen[line]
			seen[line] = true
			return twice
		}
		key := keyOf(line)
		if key == "" {
			return false
		}
		twice := seen[key]
		seen[key] = true
		return removed[key] || twice
	})
}

func dropLines(data []byte, drop func(line string) bool) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(data)) {
		if !drop(strings.TrimRight(line, "\r\n")) {
			out.WriteString(line)
		}
	}
	return out.Bytes()
}

// keyOf returns the recipient in a line, empty if there is none.
func keyOf(line string) string {
	line = strings.TrimRight(line, "\r\n")
	if line == "" || strings.HasPrefix(line, "#") {
		return ""
	}
	r, _, _ := parseRecipient(line, nil)
	return r.Key
}

// tombstoneOf returns the recipient that a comment says was removed.
func tombstoneOf(line string) string {
	rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), removedMark)
	if !ok {
		return ""
	}
	r, _, _ := parseRecipient(rest, nil)
	return r.Key
}

// readRecipientsFile reads recipients.txt. Without it the folder is no store.
func (b *backend) readRecipientsFile() ([]byte, error) {
	f, err := b.fs.open(recipientsName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, b.noStore()
	}
	if err != nil {
		return nil, b.readFault(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecipientsFileLen+1))
	if err != nil {
		return nil, b.readFault(err)
	}
	if len(data) > maxRecipientsFileLen {
		return nil, &core.Error{Kind: core.ErrCorrupt, Hint: recipientsName + " is larger than 16 MiB"}
	}
	return data, nil
}

func (b *backend) recipients() (*recipientSet, error) {
	data, err := b.readRecipientsFile()
	if err != nil {
		return nil, err
	}
	return parseRecipients(data, b.cfg.PluginUI)
}
