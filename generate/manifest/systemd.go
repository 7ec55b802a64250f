package manifest

import (
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
		if i := strings.IndexFunc(v.value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 {
			return nil, stores.Fail("the value of the variable "+v.name+" has a control character, which systemd takes in none", "hand it over as a file, or set it otherwise")
		}
		b.WriteString("Environment=" + quoteUnit(v.name+"="+v.value) + "\n")
	}
	return []byte(b.String()), nil
}

// quoteUnit quotes a word of a unit's setting.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html#Quoting
func quoteUnit(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "%", "%%").Replace(s) + `"`
}
