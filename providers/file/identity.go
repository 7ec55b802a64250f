package file

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/lukko-dev/lukko/core"
)

// maxIdentityLen is the largest identity file that is read.
const maxIdentityLen = 1 << 20

// IdentityInfo tells where an identity is and whose recipient it makes, never
// the identity itself.
type IdentityInfo struct {
	// Source is the path of the identity file, or "LUKKO_IDENTITY".
	Source string
	// Recipients are what to encrypt to for the identity to read. A plugin's
	// identity tells none.
	Recipients []Recipient
}

// IdentityPath returns where the user's own identity belongs: identity.txt in
// UserDir. Only UserDir and LookupEnv of cfg matter. It is core.ErrUnavailable
// if the user's configuration folder is not known.
func IdentityPath(cfg Config) (string, error) {
	dir, err := cfg.userDir()
	if err != nil {
		return "", named("identity", err)
	}
	return filepath.Join(dir, identityName), nil
}

// FindIdentity tells which identity a store with this configuration would
// use; Dir does not matter. It is core.ErrUnauthenticated if there is none,
// if others have rights to its file, or if it can't be opened. It may ask for
// a passphrase.
func FindIdentity(ctx context.Context, cfg Config) (IdentityInfo, error) {
	if cfg.Dir == "" {
		cfg.Dir = "."
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return IdentityInfo{}, err
	}
	source, found, err := cfg.findIdentities(ctx)
	if err != nil {
		return IdentityInfo{}, named("identity", err)
	}
	info := IdentityInfo{Source: source}
	for _, i := range found {
		if key := recipientOf(i); key != "" {
			info.Recipients = append(info.Recipients, Recipient{Key: key})
		}
	}
	return info, nil
}

// IdentityOptions says what kind of identity CreateIdentity makes.
type IdentityOptions struct {
	// PostQuantum makes an ML-KEM-768 and X25519 hybrid in place of X25519.
	// Its recipient can't be mixed with others, and age reads it from version
	// 1.3 on.
	PostQuantum bool
}

// CreateIdentity makes a new identity in a file of mode 0600, and the folders
// above it with mode 0700. It returns the recipient. It never overwrites: a
// file that is there is core.ErrConflict. Whoever loses the only identity of a
// store loses the store.
func CreateIdentity(path string, o IdentityOptions) (Recipient, error) {
	var secret, public string
	if o.PostQuantum {
		i, err := age.GenerateHybridIdentity()
		if err != nil {
			return Recipient{}, named("identity", &core.Error{Kind: core.ErrUnavailable, Hint: "a post-quantum identity could not be made"})
		}
		secret, public = i.String(), i.Recipient().String()
	} else {
		i, err := age.GenerateX25519Identity()
		if err != nil {
			return Recipient{}, named("identity", &core.Error{Kind: core.ErrUnavailable, Hint: "an identity could not be made"})
		}
		secret, public = i.String(), i.Recipient().String()
	}
	text := "# An identity of age, made by Lukko. Whoever has it reads what is encrypted to\n" +
		"# its recipient; keep a copy in a safe place, and never commit it.\n" +
		"# public key: " + public + "\n" + secret + "\n"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Recipient{}, named("identity", fileFault(path, err))
	}
	// Written in full under another name first: an identity that was cut
	// would be in the way of a good one, as nothing is ever overwritten.
	if err := writeNew(path, []byte(text), 0o600); err != nil {
		return Recipient{}, named("identity", fileFault(path, err))
	}
	return Recipient{Key: public}, nil
}

// writeNew writes a file that must not be there, all of it or nothing.
func writeNew(path string, data []byte, mode os.FileMode) error {
	return writeVia(path, data, mode, func(temp string) error { return os.Link(temp, path) })
}

// writeOver writes a file over what is there, all of it or nothing.
func writeOver(path string, data []byte, mode os.FileMode) error {
	return writeVia(path, data, mode, func(temp string) error { return os.Rename(temp, path) })
}

func writeVia(path string, data []byte, mode os.FileMode, place func(temp string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".lukko-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(f.Name()); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// fileFault is the error of a file of the user's, which is named.
func fileFault(path string, err error) error {
	e := systemFault(err)
	switch {
	case errors.Is(err, fs.ErrExist):
		e.Kind, e.Hint = core.ErrConflict, path+" is there already, and is never overwritten"
	case e.Kind != nil:
		e.Hint = path + ": " + e.Hint
	default:
		e.Kind, e.Hint = core.ErrUnavailable, "the system could not use "+path
	}
	return e
}

// findIdentities returns what reads the secrets, and where it was found.
func (c Config) findIdentities(ctx context.Context) (string, []age.Identity, error) {
	if c.Identities != nil {
		return "Config.Identities", c.Identities, nil
	}
	if text, ok := c.LookupEnv(envIdentity); ok && text != "" {
		found, err := c.openIdentity(ctx, envIdentity, []byte(text))
		return envIdentity, found, err
	}
	if path, ok := c.LookupEnv(envIdentityFile); ok && path != "" {
		found, err := c.identityFile(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			err = unauthenticated(envIdentityFile + " names a file that is not there: " + printable(path))
		}
		return path, found, err
	}
	dir, err := c.userDir()
	if err != nil {
		return "", nil, noIdentity("")
	}
	path := filepath.Join(dir, identityName)
	found, err := c.identityFile(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		err = noIdentity(path)
	}
	return path, found, err
}

func unauthenticated(hint string) error {
	return &core.Error{Kind: core.ErrUnauthenticated, Hint: hint}
}

func noIdentity(path string) error {
	where := "the user's configuration folder is not known"
	if path != "" {
		where = path + " is not there"
	}
	return unauthenticated("there is no identity to read with: set LUKKO_IDENTITY or LUKKO_IDENTITY_FILE, or make one by lukko init (" + where + ")")
}

// identityFile opens an identity file, which only its owner may have a right
// to. It is fs.ErrNotExist if there is none.
func (c Config) identityFile(ctx context.Context, path string) ([]age.Identity, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fileFault(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileFault(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, unauthenticated(path + " is no regular file")
	}
	if othersCanRead(info) {
		return nil, unauthenticated("others have rights to the identity file; run chmod 600 " + path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxIdentityLen+1))
	if err != nil {
		return nil, fileFault(path, err)
	}
	if len(data) > maxIdentityLen {
		return nil, unauthenticated(path + " is too large for an identity file")
	}
	return c.openIdentity(ctx, path, data)
}

// openIdentity parses the content of an identity file.
func (c Config) openIdentity(ctx context.Context, source string, data []byte) ([]age.Identity, error) {
	trimmed := bytes.TrimSpace(data)
	switch {
	case bytes.HasPrefix(trimmed, []byte(armor.Header)), bytes.HasPrefix(data, []byte("age-encryption.org/")):
		return c.unlock(ctx, source, data, c.openAgeLocked)
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN")):
		i, err := parseSSH(data, nil)
		if errors.As(err, new(*ssh.PassphraseMissingError)) {
			return c.unlock(ctx, source, data, openSSHLocked)
		}
		if err != nil {
			return nil, unauthenticated(source + " is no SSH private key that age can use: ed25519, or RSA")
		}
		return []age.Identity{i}, nil
	}
	return c.parseIdentities(source, data)
}

// parseIdentities parses lines of age identities.
func (c Config) parseIdentities(source string, data []byte) ([]age.Identity, error) {
	var found []age.Identity
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxIdentityLen)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var i age.Identity
		var err error
		switch {
		case strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1"):
			i, err = age.ParseHybridIdentity(line)
		case strings.HasPrefix(line, "AGE-SECRET-KEY-1"):
			i, err = age.ParseX25519Identity(line)
		case strings.HasPrefix(line, "AGE-PLUGIN-"):
			i, err = newPluginIdentity(line, c.PluginUI)
		default:
			err = errors.ErrUnsupported
		}
		if err != nil { // its text may quote the key
			return nil, unauthenticated(source + ", line " + strconv.Itoa(n) + ": no identity of age, which begins with AGE-SECRET-KEY-1")
		}
		found = append(found, i)
	}
	if lines.Err() != nil || len(found) == 0 {
		return nil, unauthenticated(source + " holds no identity of age, which begins with AGE-SECRET-KEY-1")
	}
	return found, nil
}

// unlocked holds the identities that a passphrase opened, for the whole
// process, so that a person is asked once however many stores there are. Its
// key is a digest of the locked identity.
var unlocked = struct {
	turn chan struct{} // one question at a time
	mu   sync.Mutex
	open map[[sha256.Size]byte][]age.Identity
}{turn: make(chan struct{}, 1), open: map[[sha256.Size]byte][]age.Identity{}}

func (c Config) unlock(ctx context.Context, source string, data []byte,
	open func(source string, data []byte, passphrase string) ([]age.Identity, error),
) ([]age.Identity, error) {
	key := sha256.Sum256(data)
	known := func() []age.Identity {
		unlocked.mu.Lock()
		defer unlocked.mu.Unlock()
		return unlocked.open[key]
	}
	if found := known(); found != nil {
		return found, nil
	}
	if c.AskPassphrase == nil {
		return nil, unauthenticated(source + " needs a passphrase, and this program asks for none (file.Config.AskPassphrase); use an identity without one")
	}
	select {
	case unlocked.turn <- struct{}{}:
		defer func() { <-unlocked.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if found := known(); found != nil {
		return found, nil
	}
	passphrase, err := c.AskPassphrase(ctx, source)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || passphrase == "" {
		return nil, unauthenticated("no passphrase was given for " + source)
	}
	found, err := open(source, data, passphrase)
	if err != nil {
		return nil, err
	}
	unlocked.mu.Lock()
	defer unlocked.mu.Unlock()
	unlocked.open[key] = found
	return found, nil
}

func wrongPassphrase(source string) error {
	return unauthenticated("the passphrase does not open " + source)
}

// openAgeLocked opens an identity file that age encrypted with a passphrase.
func (c Config) openAgeLocked(source string, data []byte, passphrase string) ([]age.Identity, error) {
	with, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, wrongPassphrase(source)
	}
	plain, err := age.Decrypt(unarmor(bytes.NewReader(data)), with)
	if err != nil {
		return nil, wrongPassphrase(source)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxIdentityLen))
	if err != nil {
		return nil, wrongPassphrase(source)
	}
	return c.parseIdentities(source, text)
}

func openSSHLocked(source string, data []byte, passphrase string) ([]age.Identity, error) {
	i, err := parseSSH(data, []byte(passphrase))
	if err != nil {
		return nil, wrongPassphrase(source)
	}
	return []age.Identity{i}, nil
}

func parseSSH(pem, passphrase []byte) (age.Identity, error) {
	var key any
	var err error
	if passphrase == nil {
		key, err = ssh.ParseRawPrivateKey(pem)
	} else {
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(pem, passphrase)
	}
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, err
	}
	var i age.Identity
	switch key := key.(type) {
	case ed25519.PrivateKey:
		i, err = agessh.NewEd25519Identity(key)
	case *ed25519.PrivateKey:
		i, err = agessh.NewEd25519Identity(*key)
	case *rsa.PrivateKey:
		i, err = agessh.NewRSAIdentity(key)
	default:
		return nil, errors.ErrUnsupported
	}
	if err != nil {
		return nil, err
	}
	public := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return &sshIdentity{i, public}, nil
}

// sshIdentity is an SSH private key, with its public half as recipients.txt
// has it.
type sshIdentity struct {
	age.Identity
	public string
}

// recipientOf returns the recipient of an identity; empty if it tells none.
func recipientOf(i age.Identity) string {
	switch i := i.(type) {
	case *age.X25519Identity:
		return i.Recipient().String()
	case *age.HybridIdentity:
		return i.Recipient().String()
	case *sshIdentity:
		return i.public
	}
	return ""
}
