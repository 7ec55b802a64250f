package gcp

import (
	"context"
	"errors"
	"hash/crc32"
	"log/slog"
	"slices"
	"strings"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc/codes"

	"github.com/lukko-dev/lukko/core"
)

// Set adds a version, and only where there is no secret creates it first. A crash,
// or another's failure, between the two leaves a secret without a version: the next
// Set of anybody adds one to it.
func (b *backend) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	made, err := b.set(ctx, id, value, o)
	return made, shown(err)
}

func (b *backend) set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	if o.IfAbsent || o.IfVersion != "" {
		return core.Info{}, &core.Error{Kind: errors.ErrUnsupported, Hint: "Google takes no condition with a new version; keep what several writers change in a store that does"}
	}
	in, name, err := b.secret(ctx, id)
	if err != nil {
		return core.Info{}, err
	}
	made, err := b.add(ctx, name, value)
	if codeOf(err) == codes.NotFound && core.KindOf(err) == core.ErrNotFound { //nolint:errorlint // a kind is the sentinel itself
		made, err = b.create(ctx, in, name, value)
	}
	if err != nil {
		return core.Info{}, err
	}
	if b.keep > 0 {
		b.prune(ctx, id, name, made)
	}
	return made, nil
}

// add adds a version to a secret.
func (b *backend) add(ctx context.Context, name string, value core.Value) (core.Info, error) {
	data := value.RevealBytes()
	sum := int64(crc32.Checksum(data, castagnoli))
	req := &pb.AddSecretVersionRequest{Parent: name, Payload: &pb.SecretPayload{Data: data, DataCrc32C: &sum}}
	var made *pb.SecretVersion
	err := b.conn.do(ctx, request{write: true}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) (err error) {
		made, err = c.AddSecretVersion(ctx, req, opts...)
		return err
	})
	if err != nil {
		return core.Info{}, err
	}
	i := info(made)
	i.Created = time.Time{} // as a Get can't tell it
	return i, nil
}

// create creates a secret and adds its first version. Another who creates it at the
// same time is no conflict. Nothing of the value is anywhere until the version
// is added, so what fails before has written nothing.
func (b *backend) create(ctx context.Context, in place, name string, value core.Value) (core.Info, error) {
	req := &pb.CreateSecretRequest{Parent: in.String(), SecretId: name[strings.LastIndexByte(name, '/')+1:], Secret: b.creation()}
	created := b.conn.do(ctx, request{write: true}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) error {
		_, err := c.CreateSecret(ctx, req, opts...)
		return err
	})
	switch code := codeOf(created); {
	case created == nil, code == codes.AlreadyExists:
		created = nil
	case code == codes.PermissionDenied:
		return core.Info{}, asAnswer(created).with(core.ErrPermissionDenied, "there is no secret of this id to add a version to, and to create it needs secretmanager.secrets.create, as in the role Secret Manager Admin")
	case core.KindOf(created) != core.ErrIndeterminate || ctx.Err() != nil: //nolint:errorlint // a kind is the sentinel itself
		return core.Info{}, unwritten(created)
	}
	for n := 0; ; n++ {
		made, err := b.add(ctx, name, value)
		// A secret that was just created may take a moment to be seen by all.
		if codeOf(err) != codes.NotFound || core.KindOf(err) != core.ErrNotFound { //nolint:errorlint // as above
			return made, err
		}
		if n >= b.conn.retries || !b.conn.sleep(ctx, b.conn.pause<<n) {
			if created == nil {
				created = &core.Error{Kind: core.ErrUnavailable, Code: codeNames[codes.NotFound], Hint: "the secret was created and is gone again, or is not to be seen yet; try again"}
			}
			return core.Info{}, unwritten(created)
		}
	}
}

// unwritten is an error of creating a secret: its value was not sent.
func unwritten(err error) error {
	if core.KindOf(err) != core.ErrIndeterminate { //nolint:errorlint // a kind is the sentinel itself
		return core.NotWritten(shown(err))
	}
	return asAnswer(err).with(core.ErrUnavailable, "the answer to the creation of the secret was lost; an empty secret may be there, to which the next Set adds its version")
}

// Delete deletes a secret with all its versions, for good.
func (b *backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	if o.Purge {
		return &core.Error{Kind: errors.ErrUnsupported, Hint: "Google keeps nothing of a secret that is deleted, so that there is nothing to purge"}
	}
	_, name, err := b.secret(ctx, id)
	if err != nil {
		return err
	}
	err = b.conn.do(ctx, request{write: true}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) error {
		return c.DeleteSecret(ctx, &pb.DeleteSecretRequest{Name: name}, opts...)
	})
	if !errors.Is(err, core.ErrIndeterminate) || ctx.Err() != nil {
		return shown(err)
	}
	// That it is gone is what was asked for, whoever did it.
	lookErr := b.conn.do(ctx, request{}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) error {
		_, err := c.GetSecret(ctx, &pb.GetSecretRequest{Name: name}, opts...)
		return err
	})
	if core.KindOf(lookErr) == core.ErrNotFound { //nolint:errorlint // a kind is the sentinel itself
		return nil
	}
	return shown(err)
}

// prune disables or destroys what is older than the versions to keep. The Set before
// it has succeeded, whatever becomes of this.
func (b *backend) prune(ctx context.Context, id, name string, made core.Info) {
	if err := b.pruneOld(ctx, name, made); err != nil {
		said := asAnswer(err).shown
		e := &core.Error{
			Op: "set", Provider: provider, ID: id, Kind: core.KindOf(err), Code: said.Code, RequestID: said.RequestID,
			Hint: "the value was stored; to " + string(b.old) + " old versions failed",
		}
		if e.Kind == nil {
			e.Err = ctx.Err()
		}
		if b.pruned != nil {
			b.pruned(id, e)
			return
		}
		slog.WarnContext(ctx, e.Error())
	}
}

func (b *backend) pruneOld(ctx context.Context, name string, made core.Info) error {
	infos, err := b.enabled(ctx, name)
	if err != nil {
		return err
	}
	// A later writer's version stays, and does not count: that writer looks after
	// what is old then.
	infos = slices.DeleteFunc(infos, func(i core.Info) bool { return newer(i.Version, made.Version) < 0 })
	for _, i := range infos[min(b.keep, len(infos)):] {
		version := name + "/versions/" + i.Version
		err := b.conn.do(ctx, request{write: true}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) (err error) {
			if b.old == Destroy {
				_, err = c.DestroySecretVersion(ctx, &pb.DestroySecretVersionRequest{Name: version}, opts...)
			} else {
				_, err = c.DisableSecretVersion(ctx, &pb.DisableSecretVersionRequest{Name: version}, opts...)
			}
			return err
		})
		// Another Set may have come first.
		if code := codeOf(err); err != nil && code != codes.FailedPrecondition && code != codes.NotFound {
			return err
		}
	}
	return nil
}
