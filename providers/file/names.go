package file

import (
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// The folders and files of a store.
const (
	secretsDir     = "secrets"
	historyDir     = "history"
	recipientsName = "recipients.txt"
	// tempName is the one file that a writer prepares what it will rename.
	// One name is enough, since there is one writer at a time, and what a
	// crash left there is found without a search.
	tempName = ".tmp"
	ext      = ".age"
)

// maxSegment is the longest part of an id between slashes, as it is written
// on the disk: with the extension it fits every file system's 255 bytes.
const maxSegment = 200

// place is where the files of one id are.
type place struct {
	id      string
	current string // secrets/ID.age
	history string // history/ID
}

// placeOf maps an id to its files. Two ids never share one: the mapping can
// be undone.
func placeOf(id string) (place, error) {
	segments := strings.Split(id, "/")
	folders := make([]string, len(segments))
	for i, s := range segments {
		folders[i] = escape(s, true)
		if len(folders[i]) > maxSegment {
			return place{}, &core.Error{
				Kind: core.ErrInvalidID,
				Hint: "a part of the id between slashes is longer than 200 bytes, as the file store writes it",
			}
		}
	}
	last := len(segments) - 1
	history := historyDir + "/" + strings.Join(folders, "/")
	folders[last] = escape(segments[last], false) + ext
	return place{id: id, current: secretsDir + "/" + strings.Join(folders, "/"), history: history}, nil
}

// escape writes one segment of an id as the name of a folder or, before its
// extension, of a file. What Windows reserves is percent-escaped, the same on
// every platform; so is a leading dot, as git refuses a folder .git and as
// names of that kind are hidden; and so is the extension at the end of a
// folder's name, which else could be the file of another id.
func escape(segment string, folder bool) string {
	var at [3]int // the bytes to escape beside colons
	for i := range at {
		at[i] = -1
	}
	if segment[0] == '.' || isDevice(segment) {
		at[0] = 0
	}
	if folder {
		if n := len(segment) - len(ext); n >= 0 && strings.EqualFold(segment[n:], ext) {
			at[1] = n
		}
		if segment[len(segment)-1] == '.' {
			at[2] = len(segment) - 1
		}
	}
	if at == [3]int{-1, -1, -1} && !strings.Contains(segment, ":") {
		return segment
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		if c == ':' || i == at[0] || i == at[1] || i == at[2] {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isDevice reports whether Windows takes a name for a device, whatever
// follows a dot in it.
func isDevice(segment string) bool {
	base, _, _ := strings.Cut(segment, ".")
	switch base = strings.ToUpper(base); base {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(base) == 4 && (base[:3] == "COM" || base[:3] == "LPT") && '0' <= base[3] && base[3] <= '9'
}

// unescape undoes escape. It reports false for a name that escape would not
// have written, as such a file is the secret of no id.
func unescape(name string, folder bool) (string, bool) {
	if name == "" {
		return "", false
	}
	segment := name
	if strings.Contains(name, "%") {
		var b strings.Builder
		for i := 0; i < len(name); i++ {
			if name[i] != '%' {
				b.WriteByte(name[i])
				continue
			}
			if i+2 >= len(name) {
				return "", false
			}
			hi, lo := strings.IndexByte("0123456789ABCDEF", name[i+1]), strings.IndexByte("0123456789ABCDEF", name[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			b.WriteByte(byte(hi<<4 | lo))
			i += 2
		}
		segment = b.String()
	}
	if core.CheckID(segment) != nil || strings.Contains(segment, "/") || escape(segment, folder) != name {
		return "", false
	}
	return segment, true
}

// parent returns the folder of a name.
func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "."
	}
	return name[:i]
}
