package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"

	"github.com/lukko-dev/lukko/core"
)

// maxFileLen is the largest file that is read, 4 MiB: a value of 64 KiB under
// more recipients than age allows in a header. A larger one is no secret of
// this store.
const maxFileLen = 4 << 20

// seal encrypts a value to a set of recipients, with our stanza, armored.
func seal(value []byte, m *meta, to []age.Recipient) ([]byte, error) {
	var labels []string
	all := make([]age.Recipient, 0, len(to)+1)
	for _, r := range to {
		all = append(all, &peer{r, &labels})
	}
	all = append(all, &marker{m.stanza(), &labels})

	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, all...)
	if err != nil {
		return nil, sealFault(err)
	}
	_, err = w.Write(value)
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, sealFault(err)
	}
	return out.Bytes(), nil
}

// sealFault is the error of an encryption, in which only plugins and
// recipients that don't go together can fail.
func sealFault(err error) error {
	if err := pluginFault(err); err != nil {
		return err
	}
	return &core.Error{
		Kind: core.ErrInvalidOption, Err: err,
		Hint: "age refuses the set of recipients; post-quantum recipients can't be mixed with others: see lukko recipients list",
	}
}

// peer is one of the recipients, whose labels are noted for the marker.
type peer struct {
	age.Recipient
	labels *[]string
}

func (p *peer) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	r, ok := p.Recipient.(age.RecipientWithLabels)
	if !ok {
		stanzas, err := p.Wrap(fileKey)
		return stanzas, nil, err
	}
	stanzas, labels, err := r.WrapWithLabels(fileKey)
	*p.labels = labels
	return stanzas, labels, err
}

// marker is a recipient that wraps no key and adds our stanza. age encrypts
// only if all recipients have the same labels, by which it keeps post-quantum
// recipients apart from others. The marker weakens nobody's encryption, so it
// takes the labels of its peers.
type marker struct {
	stanza *age.Stanza
	labels *[]string
}

func (m *marker) Wrap([]byte) ([]*age.Stanza, error) { return []*age.Stanza{m.stanza}, nil }

func (m *marker) WrapWithLabels([]byte) ([]*age.Stanza, []string, error) {
	return []*age.Stanza{m.stanza}, append([]string(nil), *m.labels...), nil
}

// unarmor returns the binary age file in r, which may be armored or not.
func unarmor(r io.Reader) io.Reader {
	const intro = "age-encryption.org/"
	buf := bufio.NewReader(r)
	if start, _ := buf.Peek(len(intro)); string(start) == intro {
		return buf
	}
	return armor.NewReader(buf)
}

// readHeader reads the header of an age file, and no more of it than that
// unless the file is a plain one, whose version is a digest of the whole. It
// decrypts nothing. The stanza that it returns is authenticated only when the
// file is decrypted.
func readHeader(r io.Reader) (h header, err error) {
	src := unarmor(io.LimitReader(r, maxFileLen))
	// What is read ahead of the header is needed again for the digest.
	var seen bytes.Buffer
	spy := &headerSpy{}
	_, err = age.Decrypt(io.TeeReader(src, &seen), spy)
	if !errors.Is(err, errHeaderOnly) {
		return header{}, errNotAge
	}
	h.meta, err = metaOf(spy.stanzas)
	if err != nil || h.meta != nil {
		return h, err
	}
	h.digest, err = digestVersion(io.MultiReader(&seen, src))
	if err != nil {
		return header{}, errNotAge
	}
	return h, nil
}

// header is what is known of a file without decrypting it: our stanza, or for
// a plain age file the digest of its ciphertext.
type header struct {
	meta   *meta
	digest string
}

func (h header) version() string {
	if h.meta != nil {
		return h.meta.version
	}
	return h.digest
}

func (h header) info(id string) core.Info {
	info := core.Info{ID: id, Version: h.version()}
	if h.meta != nil {
		info.Created = h.meta.created
	}
	return info
}

var (
	errHeaderOnly = errors.New("the header was read")
	errNotAge     = corrupt("the file is cut, damaged or no age file")
)

// headerSpy is an identity that looks at the stanzas and stops there.
type headerSpy struct{ stanzas []*age.Stanza }

func (s *headerSpy) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	s.stanzas = stanzas
	return nil, errHeaderOnly
}

// unseal decrypts a file that was found as the given version of id; version
// is empty for the current one.
func unseal(ctx context.Context, data []byte, id, version string, with []age.Identity) ([]byte, header, error) {
	u := &unsealer{ctx: ctx, id: id, version: version, with: with}
	src := unarmor(bytes.NewReader(data))
	plain, err := age.Decrypt(src, u)
	if err != nil {
		if u.fault != nil {
			return nil, header{}, u.fault
		}
		return nil, header{}, errNotAge
	}
	// One byte more than is allowed, so that the end of the file is reached
	// and verified for every value that is.
	value, err := io.ReadAll(io.LimitReader(plain, core.MaxValueLen+1))
	if err != nil {
		return nil, header{}, errNotAge
	}
	h := header{meta: u.meta}
	if u.meta == nil {
		if h.digest, err = digestVersion(unarmor(bytes.NewReader(data))); err != nil {
			return nil, header{}, errNotAge
		}
		if version != "" && h.digest != version {
			return nil, header{}, corrupt("the file is another version of this secret; it was swapped or renamed")
		}
	}
	return value, h, nil
}

// unsealer is the identity that age decrypts with. It refuses a file of
// another id before any key is tried.
type unsealer struct {
	ctx         context.Context // of the one call that this is made for
	id, version string
	with        []age.Identity

	meta  *meta
	fault error // what went wrong, in our words
}

func (u *unsealer) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		u.fault = err
		return nil, err
	}
	m, err := metaOf(stanzas)
	if err != nil {
		return fail(err)
	}
	if m != nil {
		if err := m.check(u.id, u.version); err != nil {
			return fail(err)
		}
	}
	u.meta = m
	for _, identity := range u.with {
		if err := u.ctx.Err(); err != nil {
			return fail(err)
		}
		key, err := unwrap(u.ctx, identity, stanzas)
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, age.ErrIncorrectIdentity) {
			return fail(identityFault(identity, err))
		}
	}
	return fail(errNoMatch)
}

// unwrap asks one identity. Plugins are asked one at a time, as hardware and
// people do one thing at a time; the wait for that ends with the context, the
// plugin's own work does not.
func unwrap(ctx context.Context, identity age.Identity, stanzas []*age.Stanza) ([]byte, error) {
	if p, ok := identity.(*pluginIdentity); ok {
		select {
		case p.turn <- struct{}{}:
			defer func() { <-p.turn }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return identity.Unwrap(stanzas)
}

// identityFault is the error of an identity that neither opens a file nor
// says that it is not for it. Those of age's own kinds fail so only on a stanza
// that is malformed; one that a program brought may have asked a service.
func identityFault(identity age.Identity, err error) error {
	if err := pluginFault(err); err != nil {
		return err
	}
	if given := (*core.Error)(nil); errors.As(err, &given) {
		return given
	}
	switch identity.(type) {
	case *age.X25519Identity, *age.HybridIdentity, *sshIdentity, *agessh.Ed25519Identity, *agessh.RSAIdentity:
		return errNotAge
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &core.Error{Kind: core.ErrUnavailable, Err: err, Hint: "the identity could not be used; what it asks may be down"}
}

// errNoMatch: none of the identities is a recipient of the file, as far as
// can be told from it.
var errNoMatch = &core.Error{
	Kind: core.ErrPermissionDenied,
	Hint: "the secret is not encrypted to your identity; somebody who can read it runs lukko recipients add with your recipient",
}
