package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

const declared = `
variables:
  LOG_LEVEL: {schema: {type: string, enum: [debug, info, warn]}}
  LIMITS: {schema: {type: object}}
  PORT: {schema: {type: integer}}
`

func TestAnEditChangesOneValueAndNothingElse(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs("lukko.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ file, id, value, want string }{
		"another value in its place": {
			"environments:\n  a:\n    stores: env:x # s\n    variables:\n      # above\n      LOG_LEVEL: info # behind\n\n      B:   c\n# end\n", "LOG_LEVEL", "debug",
			"environments:\n  a:\n    stores: env:x # s\n    variables:\n      # above\n      LOG_LEVEL: debug # behind\n\n      B:   c\n# end\n",
		},
		"quotes stay quotes": {
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: \"x\"\n", "B", "8080",
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: \"8080\"\n",
		},
		"single quotes stay single quotes": {
			"environments:\n  a:\n    stores: env:x\n    variables: {B: 'x''y', C: d}\n", "B", "it's",
			"environments:\n  a:\n    stores: env:x\n    variables: {B: 'it''s', C: d}\n",
		},
		"a block scalar becomes a line": {
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: |\n        one\n\n        two\n\n      C: d\n", "B", "one",
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: one\n\n      C: d\n",
		},
		"a folded text becomes a line": {
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: one\n        two # c\n      C: d\n", "B", "one",
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: one # c\n      C: d\n",
		},
		"a mapping becomes a line": {
			"environments:\n  a:\n    stores: env:x\n    variables:\n      LIMITS:\n        a: 1\n        b:\n        - c\n      C: d\n", "LIMITS", `{"a": [2, "x"]}`,
			"environments:\n  a:\n    stores: env:x\n    variables:\n      LIMITS: {\"a\":[2,\"x\"]}\n      C: d\n",
		},
		"one more": {
			"environments:\n  a:\n    stores: env:x\n    variables:\n        B: c # d\n        # e\n\nsecrets: {S: }\n", "N", "v",
			"environments:\n  a:\n    stores: env:x\n    variables:\n        B: c # d\n        N: v\n        # e\n\nsecrets: {S: }\n",
		},
		"one more in the last line": {
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c", "N", "v",
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n      N: v",
		},
		"one more behind a block scalar": {
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: |\n        c\n\n\n  b: env:y\n", "N", "v",
			"environments:\n  a:\n    stores: env:x\n    variables:\n      B: |\n        c\n      N: v\n\n\n  b: env:y\n",
		},
		"one more in a mapping of one line": {
			"environments:\n  a:\n    stores: env:x\n    variables: {B: c} # d\n", "N", "v w",
			"environments:\n  a:\n    stores: env:x\n    variables: {B: c, N: v w} # d\n",
		},
		"one more in a mapping of several lines in braces": {
			"environments:\n  a:\n    stores: env:x\n    variables: {\n      B: c, # d\n    }\n", "N", "a, b",
			"environments:\n  a:\n    stores: env:x\n    variables: {\n      B: c, N: \"a, b\", # d\n    }\n",
		},
		"the first, where variables is empty": {
			"environments:\n  a:\n    variables: # none\n      # B: c\n    stores: env:x\n", "N", "v",
			"environments:\n  a:\n    variables: # none\n      N: v\n      # B: c\n    stores: env:x\n",
		},
		"the first, where variables is braces": {
			"environments:\n  a:\n    variables: {} # none\n    stores: env:x\n", "N", "v",
			"environments:\n  a:\n    variables: {N: v} # none\n    stores: env:x\n",
		},
		"the first, where variables is null": {
			"environments:\n  a:\n    variables: ~ # none\n    stores: env:x\n", "N", "v",
			"environments:\n  a:\n    variables: {N: v} # none\n    stores: env:x\n",
		},
		"the first, where there is no variables": {
			"environments:\n  a:\n    stores:\n      - env:\n      - name: x # n\n        url: env:x # u\n\n    # more\n  b: env:y\n", "N", "v",
			"environments:\n  a:\n    stores:\n      - env:\n      - name: x # n\n        url: env:x # u\n    variables:\n      N: v\n\n    # more\n  b: env:y\n",
		},
		"the first, of an environment of one line": {
			"environments:\n  a: {stores: [env:, env:x]} # s\n", "N", "v",
			"environments:\n  a: {stores: [env:, env:x], variables: {N: v}} # s\n",
		},
		"an environment that is a URL": {
			"environments:\n    a:   \"env:x\" # here\n\n    # b\n    b: env:y\n", "N", "v",
			"environments:\n    a:\n        stores:   \"env:x\" # here\n        variables:\n            N: v\n\n    # b\n    b: env:y\n",
		},
		"an environment that is a URL on a line of its own": {
			"environments:\n  a: # here\n      env:x # there\n", "N", "v",
			"environments:\n  a: # here\n      stores: env:x # there\n      variables:\n        N: v\n",
		},
		"an environment that is a list in brackets": {
			"environments:\n  a: [env:, env:x]\n", "N", "v",
			"environments:\n  a:\n    stores: [env:, env:x]\n    variables:\n      N: v\n",
		},
		"an environment that is a list": {
			"environments:\n  a: # here\n    - env:\n    - env:x # there\n  b: env:y\n", "N", "v",
			"environments:\n  a: # here\n    stores:\n    - env:\n    - env:x # there\n    variables:\n      N: v\n  b: env:y\n",
		},
		"an environment that is a list below its key": {
			"environments:\n  a: # here\n  - env:\n\n  # c\n  - name: x\n    url: env:x # there\n  b: env:y\n", "N", "v",
			"environments:\n  a: # here\n    stores:\n    - env:\n\n    # c\n    - name: x\n      url: env:x # there\n    variables:\n      N: v\n  b: env:y\n",
		},
		"an environment in braces": {
			"environments: {a: env:x, b: env:y} # all\n", "N", "v",
			"environments: {a: {stores: env:x, variables: {N: v}}, b: env:y} # all\n",
		},
		"a file in JSON stays JSON": {
			`{"environments": {"a": "env:x", "b": "env:y"}}`, "N", "v",
			`{"environments": {"a": {"stores": "env:x", "variables": {"N": "v"}}, "b": "env:y"}}`,
		},
		"lines of Windows": {
			"\ufeffenvironments:\r\n  a: env:x\r\n", "N", "v\nw\n",
			"\ufeffenvironments:\r\n  a:\r\n    stores: env:x\r\n    variables:\r\n      N: |\r\n        v\r\n        w\r\n",
		},
		"what reads as null is quoted":  {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", "null", "environments:\n  a:\n    stores: env:x\n    variables:\n      B: \"null\"\n"},
		"what reads as a comment, too":  {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", "a #b", "environments:\n  a:\n    stores: env:x\n    variables:\n      B: \"a #b\"\n"},
		"what reads as a mapping, too":  {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", "a: b", "environments:\n  a:\n    stores: env:x\n    variables:\n      B: \"a: b\"\n"},
		"a URL is not":                  {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", "https://a.example:80/?b=c", "environments:\n  a:\n    stores: env:x\n    variables:\n      B: https://a.example:80/?b=c\n"},
		"a number is not":               {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", "-1.5", "environments:\n  a:\n    stores: env:x\n    variables:\n      B: -1.5\n"},
		"white space at the ends":       {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", " c ", "environments:\n  a:\n    stores: env:x\n    variables:\n      B: \" c \"\n"},
		"quotes":                        {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", `say "it's"`, "environments:\n  a:\n    stores: env:x\n    variables:\n      B: 'say \"it''s\"'\n"},
		"an object that is not JSON":    {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", `{a`, "environments:\n  a:\n    stores: env:x\n    variables:\n      B: \"{a\"\n"},
		"an object in a text":           {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", `{"a": 1}`, "environments:\n  a:\n    stores: env:x\n    variables:\n      B: '{\"a\": 1}'\n"},
		"what is no character":          {"environments:\n  a:\n    stores: env:x\n    variables:\n      B: c\n", "B", "a\x00\x1b\u2028\u0085\U000e0001", "environments:\n  a:\n    stores: env:x\n    variables:\n      B: \"a\\u0000\\u001b\\u2028\\u0085\\U000e0001\"\n"},
		"an id that reads as a bool":    {"environments:\n  a:\n    stores: env:x\n", "true", "v", "environments:\n  a:\n    stores: env:x\n    variables:\n      \"true\": v\n"},
		"an id that reads as a number":  {"environments:\n  a:\n    stores: env:x\n", "1e3", "v", "environments:\n  a:\n    stores: env:x\n    variables:\n      \"1e3\": v\n"},
		"wide letters before the value": {"environments: {a: {stores: [{name: x, url: \"env:\u00e4\U0001F512\"}], variables: {B: c}}}\n", "B", "größe", "environments: {a: {stores: [{name: x, url: \"env:\u00e4\U0001F512\"}], variables: {B: \"größe\"}}}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, want := test.file, test.want
			if strings.HasPrefix(test.file, "env") && strings.HasSuffix(file, "\n") && !strings.Contains(file, "secrets") {
				file, want = file+declared, want+declared
			}
			after, v, err := setVariable(path, []byte(file), "a", test.id, test.value)
			if err != nil {
				t.Fatal(err)
			}
			if string(after) != want {
				t.Fatalf("got\n%s\nwant\n%s", after, want)
			}
			c, err := Parse(path, after)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := c.Environments[0].Variable(test.id); !ok || got != v || !core.Equivalent(core.String(got.Value), core.String(test.value)) {
				t.Errorf("got %+v and %+v", got, v)
			}
		})
	}
}

func TestAVariableThatIsTakenOutTakesItsLineOnly(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs("lukko.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ file, want string }{
		"one of several":           {"variables:\n      # above\n      B: c # behind\n      # below\n      D: e\n", "variables:\n      # above\n      # below\n      D: e\n"},
		"the only one":             {"variables:\n      # above\n      B: c # behind\n", "variables:\n      # above\n"},
		"the last without a break": {"variables:\n      A: b\n      B: c", "variables:\n      A: b"},
		"one of several lines":     {"variables:\n      B: |\n        a\n\n        b\n\n      C: d\n", "variables:\n\n      C: d\n"},
		"a list":                   {"variables:\n      B:\n      - a\n      - b\n      C: d\n", "variables:\n      C: d\n"},
		"the first in braces":      {"variables: {B: c, C: d}\n", "variables: {C: d}\n"},
		"the last in braces":       {"variables: {C: d, B: {e: f}} # g\n", "variables: {C: d} # g\n"},
		"the only one in braces":   {"variables: { \"B\": 'c' }\n", "variables: {  }\n"},
		"one in the middle":        {"variables: {C: d , B: e, F: g}\n", "variables: {C: d, F: g}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const head = "environments:\n  a:\n    stores: env:x\n    "
			after, v, err := deleteVariable(path, []byte(head+test.file), "", "B")
			if err != nil || v.ID != "B" || v.Value == "" {
				t.Fatalf("got %+v, %v", v, err)
			}
			if string(after) != head+test.want {
				t.Errorf("got\n%s\nwant\n%s", after, head+test.want)
			}
			if _, _, err := deleteVariable(path, after, "a", "B"); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("a second time: %v", err)
			}
		})
	}
}

func TestWhatCanNotBeEditedIsLeftAndTold(t *testing.T) {
	t.Parallel()
	path, err := filepath.Abs("lukko.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"a value that keeps blank lines": "environments:\n  a:\n    stores: env:x\n    variables:\n      B: |+\n        c\n\n\n",
		"a key that is asked for":        "environments:\n  ? a\n  : env:x\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, _, err := setVariable(path, []byte(file), "a", "NAME", "canary")
			if after != nil || err == nil || !strings.Contains(err.Error(), "add the line NAME: VALUE") || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %q, %v", after, err)
			}
		})
	}
}

func TestAnEditOfAFileThatChangesMeanwhileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lukko.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("environments: {a: env:x}\n")
	_, err := edit(path, func(path string, data []byte) ([]byte, Variable, error) {
		write("environments: {a: env:y}\n") // somebody else
		return setVariable(path, data, "", "V", "v")
	})
	if err == nil || !strings.Contains(err.Error(), "somebody else has changed it") {
		t.Errorf("got %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "environments: {a: env:y}\n" {
		t.Errorf("theirs is lost: %s, %v", data, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".lukko-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind are %v, %v", left, err)
	}
}
