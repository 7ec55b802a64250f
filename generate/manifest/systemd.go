package manifest

import (
	"fmt"
	"path"
	"strings"
	"unicode"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// Systemd returns a drop-in for a unit of systemd, version 250 or later: a
// credential for each secret, the variable NAME_FILE that names its file, and the
// variables.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Credentials
//
// A credential APP.NAME is looked for in systemd's credential stores, such as
// /etc/credstore, where one that is not there is passed over. A file of [Input.Files]
// that is not there would keep the unit from starting, so there the secrets that
// may be absent are left out, unless [Input.Include] names them.
func Systemd(in Input) ([]byte, error) {
	p, err := in.prepare(in.Files == "")
	if err != nil {
		return nil, err
	}
	if in.Files != "" && (!path.IsAbs(in.Files) || strings.ContainsFunc(in.Files, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`:%\"'`, r)
	})) {
		return nil, stores.Fail("the folder of the files is none that a unit can name", "it is an absolute path without blanks, such as /etc/shop/secrets")
	}
	load, where := "LoadCredential", "/etc/credstore"
	if in.Encrypted {
		load, where = "LoadCredentialEncrypted", "/etc/credstore.encrypted"
	}
	var b strings.Builder
	comment := func(line string) { b.WriteString("# " + core.Printable(line) + "\n") }
	comment("The secrets and variables of " + in.App + " in " + stores.What(in.Environment) + ". It holds no value of a secret.")
	comment("Put it into /etc/systemd/system/" + in.App + ".service.d/, and run systemctl daemon-reload.")
	if len(p.secrets) > 0 && in.Files == "" {
		comment("The secrets are " + where + "/" + in.App + ".NAME, files of mode 0600 of root" + map[bool]string{true: ", as systemd-creds encrypt --name=NAME makes them"}[in.Encrypted] + ".")
	}
	if ids := ids(p.left); ids != "" {
		comment("Left out, as they may be absent and the unit would not start without them: " + ids)
	}
	b.WriteString("[Service]\n")
	for _, s := range p.secrets {
		from := in.App + "." + s.variable
		if in.Files != "" {
			from = path.Join(in.Files, s.variable)
		}
		b.WriteString(load + "=" + s.variable + ":" + from + "\n")
		b.WriteString("Environment=" + s.variable + "_FILE=%d/" + s.variable + "\n")
	}
	for _, v := range p.variables {
		if strings.ContainsFunc(v.value, refused) {
			return nil, stores.Fail("the value of the variable "+v.name+" has a noncharacter of Unicode, which systemd takes in none", "set it in another way")
		}
		b.WriteString("Environment=" + quoteUnit(v.name+"="+v.value) + "\n")
	}
	return []byte(b.String()), nil
}

// refused says of which characters systemd takes none in the value of a variable: its
// env_value_is_valid and unichar_is_valid.
func refused(r rune) bool {
	return r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
}

// quoteUnit quotes a word of a unit's setting.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html#Quoting
func quoteUnit(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case r == '%': // a specifier
			b.WriteString("%%")
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
