package gotypes_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/generate/gotypes"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// The results stand beside what they are made from, are compiled into this
// test, and run by TestGoldensHoldTheirDocuments.
func TestGoldensAreWhatIsGenerated(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"testdata/yaml/lukko.yaml", "testdata/metadata/secrets_meta.json", "testdata/accounts/lukko.yaml"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			options := gotypes.Options{From: from, Out: filepath.Dir(from), Check: !*update}
			if _, err := gotypes.Generate(t.Context(), options); err != nil {
				t.Errorf("%v\ngo test ./gotypes -update writes it", err)
			}
		})
	}
}

func TestTheGoldenOfPikkuIsWhatIsGenerated(t *testing.T) {
	t.Parallel()
	var warnings strings.Builder
	written, err := gotypes.Generate(t.Context(), gotypes.Options{
		FromPikku: "testdata/pikku/.pikku", Out: t.TempDir(), Package: "pikku",
		Warn: func(w gotypes.Warning) { warnings.WriteString(w.String() + "\n") },
	})
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(written[0])
	if err != nil {
		t.Fatal(err)
	}
	for golden, got := range map[string]string{
		"testdata/pikku/declarations.go": string(source), "testdata/pikku/warnings.txt": warnings.String(),
	} {
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not what is generated now; go test ./gotypes -update writes it:\n%s", golden, got)
		}
	}
}
