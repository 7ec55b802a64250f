package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

func newInit(a *app) *cobra.Command {
	i := &initializer{app: a}
	c := &cobra.Command{
		Use:   "init",
		Short: "Make lukko.yaml, an identity and an encrypted store",
		Long: `Make lukko.yaml, an identity in your configuration folder, and an encrypted store
that this identity reads, to be committed beside the code. What is there already
stays as it is: after a clone, init makes the identity only, and says what your
teammates run to let you read.

Whoever loses the only identity of a store loses the store. So give it a second,
recovery recipient whose identity is kept elsewhere.`,
		Example: `  lukko init
  lukko init --recovery age1rkdpg7qxtf8pdu2dm6h5nj2q8ptdmpawz9j27he98tkyzqn6044sxk4x2a
  lukko init --recovery-file /media/usb/lukko-recovery.txt`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return i.run(c.Context()) },
	}
	c.Flags().StringVar(&i.folder, "store", "secrets", "the folder of the store, from that of lukko.yaml")
	c.Flags().StringVar(&i.recovery, "recovery", "", "a second recipient (age1…) that reads the store too")
	c.Flags().StringVar(&i.recoveryFile, "recovery-file", "", "make a recovery identity in this new file, to be kept elsewhere")
	return c
}

// initializer makes what is missing, and remembers what it made.
type initializer struct {
	app                            *app
	folder, recovery, recoveryFile string

	report bytes.Buffer
	made   []string // paths, in the order of their making
}

func (i *initializer) run(ctx context.Context) error {
	if err := i.make(ctx); err != nil {
		for _, path := range slices.Backward(i.made) {
			_ = os.Remove(path) // a folder only if nothing else is in it
		}
		return err
	}
	return i.app.print(&i.report)
}

// short is a path as people write it: from the working directory, where it is
// below.
func short(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return rel
}

func (i *initializer) say(format string, args ...any) {
	fmt.Fprintf(&i.report, "%s\n", core.Printable(fmt.Sprintf(format, args...)))
}

func (i *initializer) make(ctx context.Context) error {
	if isKey(i.recoveryFile) {
		return usage("--recovery-file takes the name of a file, not a key", "a recipient (age1…) goes to --recovery; an identity goes nowhere")
	}
	if i.recovery != "" && i.recoveryFile != "" {
		return usage("--recovery and --recovery-file both name a recovery recipient", "leave one of them out")
	}
	path, dir, haveConfig, err := i.places()
	if err != nil {
		return err
	}
	if dir == "" {
		i.say("there is      %s, whose environment has no encrypted store; nothing to do", short(path))
		return nil
	}
	haveStore, err := exists(filepath.Join(dir, "recipients.txt"))
	if err != nil {
		return err
	}
	second, err := i.secondRecipient(ctx, haveStore)
	if err != nil {
		return err
	}

	// Everything that can be refused has been by now, but for what the system
	// refuses.
	mine, err := i.identity(ctx)
	if err != nil {
		return err
	}
	if second == nil && i.recoveryFile != "" && !haveStore {
		if second, err = i.makeRecovery(); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return interrupted()
	}
	if haveConfig {
		i.say("there is      %s", short(path))
	} else if err := i.makeConfig(path); err != nil {
		return err
	}
	if haveStore {
		return i.tellStore(ctx, dir, mine, second)
	}
	return i.makeStore(ctx, dir, mine, second)
}

// places returns where lukko.yaml and the store are or belong. dir is empty if
// the file that is there names no encrypted store.
func (i *initializer) places() (path, dir string, haveConfig bool, err error) {
	path, err = config.Locate(i.app.config)
	if errors.Is(err, config.ErrNotFound) {
		path, err = filepath.Abs(config.FileName)
	}
	if err != nil {
		return "", "", false, err
	}
	if haveConfig, err = exists(path); err != nil {
		return "", "", false, err
	}
	if !haveConfig {
		if i.folder == "" {
			return "", "", false, usage("--store names no folder", "leave it out for the folder secrets")
		}
		dir = i.folder
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(path), dir)
		}
		return path, dir, false, nil
	}
	c, err := config.Load(path)
	if err != nil {
		return "", "", true, err
	}
	t, err := environment(c, i.app.env)
	if err != nil {
		return "", "", true, err
	}
	for _, s := range t.stores {
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "file" {
			continue
		}
		if dir != "" {
			return "", "", true, usage(t.what()+" has several encrypted stores", "make each by init with an environment of its own")
		}
		if dir, err = file.DirOf(u); err != nil {
			return "", "", true, err
		}
	}
	return path, dir, true, nil
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return false, nil
	}
	return false, failure(exitUnknown, "it can't be told whether there is "+core.Printable(path), "see whether you may look into its folder")
}

func (i *initializer) makeStore(ctx context.Context, dir string, mine []file.Recipient, second *file.Recipient) error {
	if len(mine) == 0 && second == nil {
		return usage("your identity does not tell its recipient, as a plugin's doesn't", "give the recipient by --recovery")
	}
	all := slices.Clone(mine)
	if second != nil {
		all = append(all, *second)
	}
	if err := file.Init(ctx, i.app.fileConfig(dir), all...); err != nil {
		return err
	}
	i.say("made          %s, an encrypted store, with lines for git in its .gitignore and .gitattributes", short(dir))
	i.say("")
	i.say("Whoever loses the only identity of a store loses the store.")
	if second == nil {
		i.say("Give it a second, recovery recipient, whose identity is kept elsewhere:")
		i.say("  lukko recipients add age1… --name recovery")
	} else {
		i.say("This one is read by a recovery recipient too: %s", second.Key)
	}
	i.say("Next: lukko set NAME")
	return nil
}

// tellStore says of a store that is there who of the two reads it.
func (i *initializer) tellStore(ctx context.Context, dir string, mine []file.Recipient, second *file.Recipient) error {
	store, err := file.New(i.app.fileConfig(dir))
	if err != nil {
		return err
	}
	defer store.Close()
	set, err := store.Recipients(ctx)
	if err != nil {
		return err
	}
	reads := func(r file.Recipient) bool {
		return slices.ContainsFunc(set.List, func(have file.Recipient) bool { return have.Key == r.Key })
	}
	if second != nil && !reads(*second) {
		return failure(exitNo, "the store is there already, and init does not change it", "lukko recipients add "+second.Key+" --name recovery adds the recipient")
	}
	i.say("there is      %s, an encrypted store of %s", short(dir), count(len(set.List), "recipient"))
	if len(mine) > 0 && !slices.ContainsFunc(mine, reads) {
		i.say("")
		i.say("You can't read it yet. Ask somebody who can to run this, and to commit what it changes:")
		i.say("  lukko recipients add %s --name YOURS", mine[0].Key)
		return nil
	}
	if len(set.List) == 1 {
		i.say("")
		i.say("Whoever loses the only identity of a store loses the store. Give it a second, recovery recipient:")
		i.say("  lukko recipients add age1… --name recovery")
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
