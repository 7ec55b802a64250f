package gcp

import (
	"context"
	"errors"
	"hash/crc32"
	"iter"
	"slices"
	"time"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"

	"github.com/lukko-dev/lukko/core"
)

const latest = "latest"

// lookAgain is how often a read begins anew because what it had found was
// disabled under it.
const lookAgain = 3

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Get reads the latest version, and only where that can't be read looks for the
// newest one that can.
func (b *backend) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	secret, err := b.get(ctx, id, o)
	return secret, shown(err)
}

func (b *backend) get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	_, name, err := b.secret(ctx, id)
	if err != nil {
		return core.Secret{}, err
	}
	if o.Version != "" {
		if !isNumber(o.Version) {
			return core.Secret{}, noSuchVersion()
		}
		secret, err := b.access(ctx, name, o.Version)
		return secret, b.explain(ctx, name, o.Version, err)
	}
	for range lookAgain {
		var secret core.Secret
		if secret, err = b.access(ctx, name, latest); codeOf(err) != codes.FailedPrecondition {
			return b.named(ctx, name, secret, err)
		}
		if b.strict {
			break
		}
		newest, lookErr := b.newestEnabled(ctx, name, err)
		if lookErr != nil {
			return core.Secret{}, lookErr
		}
		if secret, err = b.access(ctx, name, newest.Version); codeOf(err) != codes.FailedPrecondition {
			return secret, err
		}
		if a := asAnswer(err); !a.disabled && !a.destroyed {
			break // what is enabled can't be read: that is no matter of its state
		}
	}
	return core.Secret{}, b.explain(ctx, name, latest, err)
}

// named sees to it that a secret that was read as the latest has its version, which
// stand-ins don't tell.
func (b *backend) named(ctx context.Context, name string, secret core.Secret, err error) (core.Secret, error) {
	if err != nil || secret.Version != "" {
		return secret, err
	}
	infos, err := b.enabled(ctx, name)
	if err != nil || len(infos) == 0 {
		return secret, nil // one that lists no versions has none to name
	}
	return b.access(ctx, name, infos[0].Version)
}

func noSuchVersion() error {
	return &core.Error{Kind: core.ErrNotFound, Hint: "versions here are numbers, and this is none"}
}

// access reads one version, and verifies its checksum where it has one.
func (b *backend) access(ctx context.Context, name, version string) (core.Secret, error) {
	req := &pb.AccessSecretVersionRequest{Name: name + "/versions/" + version}
	var resp *pb.AccessSecretVersionResponse
	err := b.conn.do(ctx, request{}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) (err error) {
		resp, err = c.AccessSecretVersion(ctx, req, opts...)
		if err == nil && !intact(resp.GetPayload()) {
			return errDamaged
		}
		return err
	})
	if err != nil {
		return core.Secret{}, err
	}
	if version == latest {
		version = ""
	}
	if n := number(resp.GetName()); n != "" {
		version = n
	}
	return core.Secret{Info: core.Info{Version: version}, Value: core.Bytes(resp.GetPayload().GetData())}, nil
}

// errDamaged is an answer whose checksum is another. It is tried again like a
// failure of the network, which most often it is.
var errDamaged = errors.New("the checksum does not match")

func intact(p *pb.SecretPayload) bool {
	return p == nil || p.DataCrc32C == nil || *p.DataCrc32C == int64(crc32.Checksum(p.GetData(), castagnoli))
}

// explain says of a version that its state does not let anybody read which state
// that is.
func (b *backend) explain(ctx context.Context, name, version string, err error) error {
	a := asAnswer(err)
	switch {
	case a.code == codes.NotFound && version != latest && core.KindOf(err) == core.ErrNotFound: //nolint:errorlint // a kind is the sentinel itself
		return a.with(core.ErrNotFound, "there is no such version, or no secret of this id")
	case a.code != codes.FailedPrecondition:
		return err
	}
	disabled, destroyed := a.disabled, a.destroyed
	if disabled == destroyed { // its words are not those that are known
		if v, err := b.version(ctx, name, version); err == nil {
			disabled, destroyed = v.GetState() == pb.SecretVersion_DISABLED, v.GetState() == pb.SecretVersion_DESTROYED
		}
	}
	which := "the version"
	if version == latest {
		which = "the newest version"
	}
	switch {
	case disabled && !destroyed:
		return a.with(core.ErrNotFound, which+" is disabled; gcloud secrets versions enable brings it back")
	case destroyed && !disabled:
		return a.with(core.ErrNotFound, which+" was destroyed, and its value is gone for good")
	}
	return err
}

// version asks for what is known of one version.
func (b *backend) version(ctx context.Context, name, version string) (v *pb.SecretVersion, err error) {
	req := &pb.GetSecretVersionRequest{Name: name + "/versions/" + version}
	err = b.conn.do(ctx, request{}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) (err error) {
		v, err = c.GetSecretVersion(ctx, req, opts...)
		return err
	})
	return v, err
}

// newestEnabled looks for what can be read where the latest can't. why is what was
// said of that.
func (b *backend) newestEnabled(ctx context.Context, name string, why error) (core.Info, error) {
	infos, err := b.enabled(ctx, name)
	if codeOf(err) == codes.PermissionDenied {
		return core.Info{}, asAnswer(err).with(core.ErrPermissionDenied, "the newest version is disabled or destroyed, and to find the newest enabled one needs secretmanager.versions.list, as in the role Secret Manager Viewer")
	}
	if err != nil {
		return core.Info{}, err
	}
	if len(infos) == 0 {
		return core.Info{}, asAnswer(why).with(core.ErrNotFound, "the secret is there, and none of its versions is enabled")
	}
	return infos[0], nil
}

// Stat asks for what is known of the version that Get would read. Who may only read
// values gets it by reading.
func (b *backend) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	info, err := b.stat(ctx, id, o)
	return info, shown(err)
}

func (b *backend) stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	_, name, err := b.secret(ctx, id)
	if err != nil {
		return core.Info{}, err
	}
	ask := latest
	if o.Version != "" {
		if ask = o.Version; !isNumber(ask) {
			return core.Info{}, noSuchVersion()
		}
	}
	v, err := b.version(ctx, name, ask)
	switch {
	case codeOf(err) == codes.PermissionDenied, codeOf(err) == codes.Unimplemented:
		secret, err := b.Get(ctx, id, o)
		if err == nil && secret.Value.IsZero() {
			err = &core.Error{Kind: core.ErrNotFound, Hint: "the value is empty"}
		}
		return secret.Info, err
	case err != nil:
		return core.Info{}, b.explain(ctx, name, ask, err)
	case isEnabled(v) && number(v.GetName()) != "":
		// Created is left out, as a Get can't tell it.
		return core.Info{Version: number(v.GetName())}, nil
	}
	state := &answer{
		shown: &core.Error{Kind: core.ErrNotFound}, code: codes.FailedPrecondition,
		disabled: v.GetState() == pb.SecretVersion_DISABLED, destroyed: v.GetState() == pb.SecretVersion_DESTROYED,
	}
	if !isEnabled(v) && (b.strict || o.Version != "") {
		return core.Info{}, b.explain(ctx, name, ask, state)
	}
	newest, err := b.newestEnabled(ctx, name, state)
	newest.Created = time.Time{}
	return newest, err
}

// isEnabled takes a version without a state, as stand-ins have them, for one that can
// be read.
func isEnabled(v *pb.SecretVersion) bool {
	return v.GetState() == pb.SecretVersion_ENABLED || v.GetState() == pb.SecretVersion_STATE_UNSPECIFIED
}

// Versions yields the enabled versions.
func (b *backend) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		_, name, err := b.secret(ctx, id)
		var infos []core.Info
		if err == nil {
			infos, err = b.enabled(ctx, name)
		}
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(core.Info{}, shown(err))
		}
	}
}

// enabled lists the enabled versions of a secret, newest first.
func (b *backend) enabled(ctx context.Context, name string) ([]core.Info, error) {
	var infos []core.Info
	err := b.listVersions(ctx, name, "state:ENABLED", func(v *pb.SecretVersion) {
		if n := number(v.GetName()); n != "" && isEnabled(v) {
			infos = append(infos, info(v))
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(infos, func(a, b core.Info) int { return newer(a.Version, b.Version) })
	return infos, nil
}

func info(v *pb.SecretVersion) core.Info {
	i := core.Info{Version: number(v.GetName())}
	if created := v.GetCreateTime(); created.IsValid() {
		i.Created = created.AsTime()
	}
	return i
}

// versionsPage is how many versions a page has.
const versionsPage = 1000

// listVersions goes through the versions of a secret in the order of the service.
func (b *backend) listVersions(ctx context.Context, name, filter string, found func(*pb.SecretVersion)) error {
	token := ""
	for {
		var page []*pb.SecretVersion
		var next string
		err := b.conn.do(ctx, request{limit: largeAnswer}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) (err error) {
			page = nil
			it := c.ListSecretVersions(ctx, &pb.ListSecretVersionsRequest{Parent: name, Filter: filter}, opts...)
			next, err = iterator.NewPager(it, versionsPage, token).NextPage(&page)
			return err
		})
		if err != nil {
			return err
		}
		for _, v := range page {
			found(v)
		}
		if next == "" {
			return nil
		}
		if next == token {
			return endless()
		}
		token = next
	}
}

// endless is the error of a listing that would go on for ever.
func endless() error {
	return &core.Error{Kind: core.ErrUnavailable, Hint: "what answers gives the same page of a listing again and again; is it Secret Manager?"}
}
