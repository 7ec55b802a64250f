package generate_test

import (
	"context"
	"fmt"
	"log"

	"github.com/lukko-dev/lukko/generate"
)

// In a test of one's own, Check tells whether what is committed is up to date.
func ExampleRun() {
	result, err := generate.Run(context.Background(), generate.Config{
		Dir: "internal/goldens/shop", Patterns: []string{"."}, Check: true,
	})
	if err != nil {
		log.Fatal(err) // each problem with its file and line
	}
	fmt.Println(result.Secrets, "secrets,", result.Variables, "variables, changed:", result.Changed())
	for _, f := range result.Files {
		fmt.Println(f.Name, "is the", f.State)
	}
	// Output:
	// 6 secrets, 3 variables, changed: false
	// secrets_gen.go is the same
	// secrets_meta.json is the same
}
