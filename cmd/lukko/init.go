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
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/config"
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
	fmt.Fprintf(&i.report, "%s\n", printable(fmt.Sprintf(format, args...)))
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
	return false, failure(exitUnknown, "it can't be told whether there is "+printable(path), "see whether you may look into its folder")
}

// secondRecipient is the recovery recipient that is asked for, if it is known
// already. At a terminal it asks.
func (i *initializer) secondRecipient(ctx context.Context, haveStore bool) (*file.Recipient, error) {
	if i.recovery == "" && i.recoveryFile == "" && !haveStore {
		answer, err := i.app.ask(ctx, "Whoever loses the only identity of a store loses the store.\n"+
			"A recovery recipient (age1…), or a new file for a recovery identity, or nothing: ")
		if err != nil {
			return nil, err
		}
		if isKey(answer) {
			i.recovery = answer
		} else {
			i.recoveryFile = answer
		}
	}
	if i.recovery == "" {
		if i.recoveryFile == "" || haveStore {
			return nil, i.noNewRecovery(haveStore)
		}
		there, err := exists(i.recoveryFile)
		if err == nil && there {
			err = failure(exitNo, "the file of the recovery identity is there already, and is never overwritten", "name a new one, or give its recipient by --recovery")
		}
		return nil, err
	}
	r, err := file.ParseRecipient(i.recovery)
	if err != nil {
		return nil, err
	}
	if r.Name == "" {
		r.Name = "recovery"
	}
	return &r, nil
}

// isKey reports whether text is a key and not the name of a file: a private key
// that somebody pasted by mistake must not become a file's name.
func isKey(text string) bool {
	text = strings.ToUpper(text)
	return strings.HasPrefix(text, "AGE1") || strings.HasPrefix(text, "AGE-SECRET-KEY-") ||
		strings.HasPrefix(text, "AGE-PLUGIN-") || strings.HasPrefix(text, "SSH-") || strings.HasPrefix(text, "-----BEGIN")
}

// noNewRecovery refuses to make a recovery identity for a store that is there:
// it would not be one of its recipients.
func (i *initializer) noNewRecovery(haveStore bool) error {
	if haveStore && i.recoveryFile != "" {
		return failure(exitNo, "the store is there already, and init does not change it", "make an identity by age-keygen, and add its recipient by lukko recipients add")
	}
	return nil
}

// identity returns the user's recipients, and makes an identity where there is
// none.
func (i *initializer) identity(ctx context.Context) ([]file.Recipient, error) {
	cfg := i.app.fileConfig("")
	path, err := file.IdentityPath(cfg)
	named := false
	for _, name := range []string{"LUKKO_IDENTITY", "LUKKO_IDENTITY_FILE"} {
		value, _ := i.app.lookup(name)
		named = named || value != ""
	}
	if !named {
		if err != nil {
			return nil, err
		}
		if named, err = exists(path); err != nil {
			return nil, err
		}
	}
	if named {
		found, err := file.FindIdentity(ctx, cfg)
		if err != nil {
			return nil, err
		}
		i.say("there is      %s, your identity", found.Source)
		return found.Recipients, nil
	}
	r, err := i.makeIdentity(path)
	if err != nil {
		return nil, err
	}
	i.say("made          %s, your identity (mode 0600, never to be committed)", path)
	return []file.Recipient{r}, nil
}

func (i *initializer) makeIdentity(path string) (file.Recipient, error) {
	var missing []string // folders, the innermost first
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		there, err := exists(dir)
		if err != nil {
			return file.Recipient{}, err
		}
		if there || dir == filepath.Dir(dir) {
			break
		}
		missing = append(missing, dir)
	}
	r, err := file.CreateIdentity(path, file.IdentityOptions{})
	slices.Reverse(missing)
	i.made = append(i.made, missing...)
	if err == nil {
		i.made = append(i.made, path)
	}
	return r, err
}

func (i *initializer) makeRecovery() (*file.Recipient, error) {
	r, err := i.makeIdentity(i.recoveryFile)
	if err != nil {
		return nil, err
	}
	r.Name = "recovery"
	i.say("made          %s, the recovery identity: move it to where this machine's loss does not reach", i.recoveryFile)
	return &r, nil
}

const configText = `# Where the secrets of this project are, and what they are. It holds no secret,
# and is meant to be committed.
default: development

environments:
  development: %s

# What the program needs, so that lukko check tells what is missing, and lukko
# set refuses what is invalid:
#
# secrets:
#   STRIPE_CREDENTIALS:
#     displayName: Stripe API
#     schema:
#       type: object
#       required: [apiKey]
#       properties:
#         apiKey: {type: string, pattern: ^sk_}
`

func (i *initializer) makeConfig(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return failure(exitUnknown, printable(path)+" could not be made", "see whether you may write to its folder")
	}
	i.made = append(i.made, path)
	_, err = fmt.Fprintf(f, configText, folderURL(i.folder))
	if err := errors.Join(err, f.Close()); err != nil {
		return failure(exitUnknown, printable(path)+" could not be written", "see whether the disk is full")
	}
	i.say("made          %s", short(path))
	return nil
}

// folderURL is the URL of a folder, as YAML takes it.
func folderURL(folder string) string {
	folder = filepath.ToSlash(folder)
	u := url.URL{Scheme: "file"}
	if filepath.IsAbs(folder) {
		u.Path = "/" + strings.TrimPrefix(folder, "/") // before the drive of Windows, too
		return quote("file://" + u.EscapedPath())
	}
	var segments []string
	for segment := range strings.SplitSeq(folder, "/") {
		segments = append(segments, url.PathEscape(segment))
	}
	return quote("file:" + strings.Join(segments, "/"))
}

// quote quotes a URL for YAML where that is needed.
func quote(u string) string {
	if strings.Trim(u, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:") == "" {
		return u
	}
	return strconv.Quote(u)
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
