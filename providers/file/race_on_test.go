//go:build race

package file_test

func init() { raceEnabled = true }
