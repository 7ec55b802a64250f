//go:build !unix

package oauthtest_test

const victimEnv = "LUKKO_OAUTHTEST_VICTIM"

func victim() error { return nil }
