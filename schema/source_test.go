package schema_test

import "os"

// readSource is the text of a file of the package.
func readSource(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}
