package deploytest

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/generate/manifest"
)

// deployed is a project with all that a manifest can meet: secrets that must be
// there, may be, and must be elsewhere; variables whose values YAML, shells and
// systemd would take for something else.
const deployed = `
environments:
  production:
    stores: ['env:', 'STORE']
    variables:
      LOG_LEVEL: info
      PORT: 8080
      NO: no
      ON: "on"
      OCTAL: 0o17
      OLD_OCTAL: "017"
      SEXAGESIMAL: "1:30"
      FLOAT: 1e3
      NOTHING: "null"
      TILDE: "~"
      DATE: 2026-01-02
      EQUALS: "="
      MERGE: "<<"
      BLANK: " "
      LINES: "a\nb\tc\n"
      QUOTES: "a \"b\" 'c' \\d"
      SIGNS: "$HOME ${X} $$ %d %% # : - [x] {y} & * ! | > @"
      WIDE: "äöü € 𝄞 \u2028 \u0085 \ufeff"
      CONTROL: "\r\e[2J\x7f\b"
      LONG: "LONGTEXT"
      y: "yes"
  staging: 'env:'
secrets:
  STRIPE: {schema: {type: object}}
  DB_URL: {schema: {type: string}}
  EXTRA: {optional: true}
  ELSEWHERE: {requiredIn: [staging]}
  HERE: {requiredIn: [production]}
  FIRST: {anyOf: keys}
  SECOND: {anyOf: keys}
variables:
  LOG_LEVEL: {}
  PORT: {schema: {type: integer}}
  NO: {}
  "ON": {}
  OCTAL: {}
  OLD_OCTAL: {}
  SEXAGESIMAL: {}
  FLOAT: {}
  NOTHING: {}
  TILDE: {}
  DATE: {}
  EQUALS: {}
  MERGE: {}
  BLANK: {}
  LINES: {}
  QUOTES: {}
  SIGNS: {}
  WIDE: {}
  CONTROL: {}
  LONG: {}
  y: {}
  UNSET: {default: x}
  UNSET_TOO: {optional: true}
`

// The secrets of deployed, by what a platform may do with them.
var (
	required = []string{"DB_URL", "HERE", "STRIPE"}
	optional = []string{"ELSEWHERE", "EXTRA", "FIRST", "SECOND"}
)

func deployment(t testing.TB, store string) (project, manifest.Input) {
	t.Helper()
	p := load(t, strings.NewReplacer("STORE", store, "LONGTEXT", strings.Repeat("many words ", 60)+strings.Repeat("x", 300)).Replace(deployed))
	return p, manifest.Input{Metas: p.metas, Environment: p.environment(t, "production"), App: "shop"}
}

// values are those of the variables.
func values(in manifest.Input) map[string]string {
	all := map[string]string{}
	for _, v := range in.Environment.Variables {
		all[v.ID] = v.Value
	}
	return all
}

// write makes a manifest twice, and wants the same bytes, which name no value of a
// secret: there is none.
func write(t testing.TB, kind func(manifest.Input) ([]byte, error), in manifest.Input) []byte {
	t.Helper()
	data, err := kind(in)
	if err != nil {
		t.Fatal(err)
	}
	in.Metas = slices.Clone(in.Metas)
	slices.Reverse(in.Metas)
	in.Environment.Variables = slices.Clone(in.Environment.Variables)
	slices.Reverse(in.Environment.Variables)
	again, err := kind(in)
	if err != nil || string(again) != string(data) {
		t.Errorf("declared in another order it is another one, %v:\n%s", err, again)
	}
	return data
}

func same(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if value, ok := got[name]; value != want[name] || !ok {
				t.Errorf("%s: %s is %q, want %q", what, name, value, want[name])
			}
		}
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if _, ok := want[name]; !ok {
				t.Errorf("%s: there is %s", what, name)
			}
		}
	}
}

// unit reads a drop-in: the credentials, and the environment that its settings
// make, with what systemd puts in the place of %d.
func unit(t testing.TB, data []byte) (credentials, environment map[string]string) {
	t.Helper()
	credentials, environment = map[string]string{}, map[string]string{}
	section := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if section == "" {
			section = line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section != "[Service]" {
			t.Fatalf("%q is no setting of [Service]", line)
		}
		switch key {
		case "LoadCredential", "LoadCredentialEncrypted":
			id, from, _ := strings.Cut(value, ":")
			credentials[id] = from
		case "Environment":
			name, text, ok := strings.Cut(unquote(t, value), "=")
			if !ok {
				t.Fatalf("%q assigns nothing", line)
			}
			environment[name] = text
		default:
			t.Fatalf("the setting %q", line)
		}
	}
	return credentials, environment
}

// unquote takes one word of a setting as systemd.syntax(7) and the specifiers of
// systemd.unit(5) have it.
func unquote(t testing.TB, s string) string {
	t.Helper()
	if text, ok := strings.CutPrefix(s, `"`); ok {
		if s, ok = strings.CutSuffix(text, `"`); !ok {
			t.Fatalf("%q does not end its quotes", s)
		}
	} else if strings.ContainsAny(s, " \t\\\"'") {
		t.Fatalf("%q needs quotes", s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		two := s[i:min(i+2, len(s))]
		switch {
		case s[i] == '"':
			t.Fatalf("%q has a quote within", s)
		case s[i] != '\\' && s[i] != '%':
			b.WriteByte(s[i])
			continue
		case two == `\\`, two == `\"`:
			b.WriteByte(two[1])
		case two == `\n`:
			b.WriteByte('\n')
		case two == `\t`:
			b.WriteByte('\t')
		case two == `\x` && i+4 <= len(s):
			c, err := strconv.ParseUint(s[i+2:i+4], 16, 7)
			if err != nil {
				t.Fatalf("%q has %q", s, s[i:i+4])
			}
			b.WriteByte(byte(c))
			i += 2
		case two == "%%":
			b.WriteByte('%')
		case two == "%d":
			b.WriteString("/credentials")
		default:
			t.Fatalf("%q has %q", s, two)
		}
		i++
	}
	return b.String()
}

// verify has systemd itself look at a unit with the drop-in.
func verify(t testing.TB, dropIn []byte) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		leftOut(t, "Debian: apt-get install systemd")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"shop.service": "[Service]\nExecStart=/bin/true\n", "shop.service.d/lukko.conf": string(dropIn)} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("systemd-analyze", "verify", filepath.Join(dir, "shop.service"))
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	var about []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "shop.service") {
			about = append(about, line)
		}
	}
	if err != nil {
		about = append(about, err.Error())
	}
	return strings.Join(about, "")
}

func TestSystemdTakesTheDropIn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*manifest.Input)
		ids    []string
		from   string
	}{
		"with its credential stores": {func(*manifest.Input) {}, slices.Concat(required, optional), "shop."},
		"with encrypted credentials": {func(in *manifest.Input) { in.Encrypted = true }, slices.Concat(required, optional), "shop."},
		"with files":                 {func(in *manifest.Input) { in.Files = "/etc/shop/" }, required, "/etc/shop/"},
		"with files of all":          {func(in *manifest.Input) { in.Files = "/etc/shop"; in.IncludeOptional = true }, slices.Concat(required, optional), "/etc/shop/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, in := deployment(t, "file:secrets")
			tt.change(&in)
			data := write(t, manifest.Systemd, in)
			credentials, environment := unit(t, data)
			wantCredentials, want := map[string]string{}, values(in)
			for _, id := range tt.ids {
				wantCredentials[id] = tt.from + id
				want[id+"_FILE"] = "/credentials/" + id
			}
			same(t, "credentials", credentials, wantCredentials)
			same(t, "environment", environment, want)
			if in.Encrypted != strings.Contains(string(data), "LoadCredentialEncrypted=") {
				t.Errorf("encrypted or not:\n%s", data)
			}
			if said := verify(t, data); said != "" {
				t.Errorf("systemd says\n%s", said)
			}
		})
	}
}

// The test above can fail.
func TestSystemdRefusesAWrongDropIn(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{
		"LoadCredential=a/b:shop.X", "LoadCredential=X:a/b", "Environment=1A=b", `Environment="A=b`, "LoadSecret=X", "Environment=A=\ufdd0", "Environment=A=\U0001ffff",
	} {
		if said := verify(t, []byte("[Service]\n"+wrong+"\n")); said == "" {
			t.Errorf("systemd takes %s", wrong)
		}
	}
}
