package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/generate/manifest"
	"github.com/lukko-dev/lukko/generate/policy"
)

// What docs/deploy.md shows is what is written.
func TestTheGuideShowsWhatIsWritten(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "deploy.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^```(yaml|json|hcl|ini)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if blocks[m[1]] != "" {
			t.Fatalf("there are two blocks of %s", m[1])
		}
		blocks[m[1]] = m[2]
	}
	p := load(t, blocks["yaml"])
	rules, err := policy.AWS(policy.Input{Metas: p.metas, Environment: p.environment(t, "production"), Account: awsAccount})
	if err != nil || string(rules) != blocks["json"] {
		t.Errorf("the policy of AWS is, %v,\n%s", err, rules)
	}
	unit, err := manifest.Systemd(manifest.Input{Metas: p.metas, Environment: p.environment(t, "production"), App: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	vault := load(t, strings.Replace(blocks["yaml"], "aws://eu-west-1?prefix=shop/", "vault:///secret?prefix=shop/", 1))
	hcl := vaultRules(t, vault, nil)
	for kind, whole := range map[string]string{"ini": string(unit), "hcl": hcl} {
		if blocks[kind] == "" {
			t.Errorf("there is no block of %s", kind)
		}
		for line := range strings.Lines(blocks[kind]) {
			if !strings.Contains(whole, line) {
				t.Errorf("%q is not in\n%s", line, whole)
			}
		}
	}
}
