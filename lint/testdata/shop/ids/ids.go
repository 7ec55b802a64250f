package ids

import (
	"context"
	"maps"
	"os"
	"slices"

	"example.com/shop/secrets"
	"example.com/shop/wrapper"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

const Constant = "STRIPE_CREDENTIALS"

var list = []string{"DATABASE_URL", Constant}

var byName = map[string]string{"db": "DATABASE_URL", "mail": "MAIL_PASSWORD"}

type job struct {
	name, id string
}

func fine(ctx context.Context, svc core.SecretService, r *wrapper.Reader, which string) {
	svc.Get(ctx, Constant)
	svc.Get(ctx, secrets.StripeKey.Meta().ID)
	svc.Get(ctx, byName[which])
	svc.GetMany(ctx, list)
	svc.GetMany(ctx, append(list, "MAIL_PASSWORD"))
	svc.GetMany(ctx, slices.Sorted(maps.Values(byName)))
	svc.GetMany(ctx, slices.Collect(maps.Keys(map[string]int{"DATABASE_URL": 1})))
	for _, id := range list {
		svc.Get(ctx, id)
		r.Read(ctx, id)
	}
	for _, id := range []string{"DATABASE_URL"} {
		svc.Get(ctx, id)
	}
	for id := range map[string]int{"DATABASE_URL": 1} {
		svc.Get(ctx, id)
	}
	for _, j := range []job{{"x", "DATABASE_URL"}, {name: "y", id: Constant}} {
		svc.Get(ctx, j.id)
	}
	id := "DATABASE_URL"
	if which == "mail" {
		id = "MAIL_PASSWORD"
	}
	svc.Get(ctx, id)
	svc.Get(ctx, pick(which))
	for info, err := range svc.List(ctx, "") {
		if err == nil {
			svc.Delete(ctx, info.ID)
		}
	}
	got, _ := svc.GetMany(ctx, list)
	for id := range got {
		svc.Stat(ctx, id)
	}
	var ids []string
	for d := range schema.Default.All() {
		ids = append(ids, d.Meta().ID)
	}
	svc.GetMany(ctx, ids)
	get := func(id string) { svc.Get(ctx, id) }
	get("DATABASE_URL")
	wrapper.All(ctx, svc, "DATABASE_URL", Constant)
	wrapper.All(ctx, svc, list...)
	local(ctx, svc, "DATABASE_URL")
	for _, ref := range os.Args {
		svc.Get(ctx, ref) //lukko:allow dynamic the command line names it
	}
	//lukko:allow dynamic so that it may stand above, too
	svc.Get(ctx, os.Getenv("ID"))
}

func pick(which string) string {
	if which == "db" {
		return "DATABASE_URL"
	}
	return Constant
}

func local(ctx context.Context, svc core.SecretService, id string) { svc.Get(ctx, id) }

func wrong(ctx context.Context, svc core.SecretService, r *wrapper.Reader, userID string) {
	svc.Get(ctx, os.Getenv("WHICH"))                                           // want `this id is no constant.*\[dynamic\]`
	svc.Get(ctx, "user/"+userID)                                               // want `this id is no constant`
	r.Read(ctx, "user/"+userID)                                                // want `this id is no constant`
	wrapper.All(ctx, svc, "A", os.Args[0])                                     // want `this id is no constant`
	local(ctx, svc, os.Args[1])                                                // want `this id is no constant`
	svc.GetMany(ctx, os.Args)                                                  // want `this id is no constant`
	core.Has(ctx, svc, os.Args[2])                                             // want `this id is no constant`
	svc.GetMany(ctx, slices.Collect(maps.Keys(map[string]int{os.Args[0]: 1}))) // want `this id is no constant`
	get := func(id string) { svc.Get(ctx, id) }
	get(os.Args[3]) // want `this id is no constant`
	for _, id := range os.Args {
		svc.Set(ctx, id, core.Value{}) // want `this id is no constant`
	}
	id := "DATABASE_URL"
	id += userID
	svc.Get(ctx, id) // want `this id is no constant`
}

// renamed is a decorator: it makes ids of the ids that it is asked for.
type renamed struct {
	svc    core.SecretService
	prefix string
}

func (r *renamed) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return r.svc.Get(ctx, r.prefix+id, o.Options()...)
}

func (r *renamed) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	return core.GetEach(ctx, ids, 4, func(ctx context.Context, id string) (core.Secret, error) {
		return r.svc.Get(ctx, r.prefix+id, o.Options()...)
	})
}
