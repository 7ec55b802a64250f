package main

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of Lukko and of Go",
		Example: "  lukko version",
		Args:    args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			return a.print(bytes.NewBufferString(versionText()))
		},
	}
}

func versionText() string {
	return fmt.Sprintf("lukko %s\n%s %s/%s\n", moduleVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// moduleVersion is the version that the module was installed at, or what the
// go command knows of a checkout.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	return cmp.Or(info.Main.Version, "(devel)")
}
