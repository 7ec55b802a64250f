package credentials_test

import (
	"context"
	"io"
	"net/http"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// everyOperation does everything that can be done with a store, and returns
// the error of each. Of users' credentials it is that of one user.
func (w *world) everyOperation(ctx context.Context, store *credentials.Store, user string) map[string]error {
	errs := map[string]error{}
	operationsOf(errs, ctx, store, "stripe", w.stripe, stripeKeys{APIKey: core.String("sk_new")})
	operationsOf(errs, ctx, store, "bot", w.bot, oauth2.Token{AccessToken: core.String("new")})
	w.userOperations(errs, ctx, store, user)
	for name, f := range map[string]func() error{
		"store missing":    func() error { return second(store.Missing(ctx)) },
		"store configured": func() error { return second(store.Configured(ctx)) },
		"store check":      func() error { return store.Check(ctx) },
	} {
		errs[name] = f()
	}
	return errs
}

// userOperations are those of everyOperation that concern a user.
func (w *world) userOperations(errs map[string]error, ctx context.Context, store *credentials.Store, user string) {
	operationsOfUser(errs, ctx, store, user, "notion", w.notion, core.String("new"))
	operationsOfUser(errs, ctx, store, user, "shop", w.shop, stripeKeys{APIKey: core.String("sk_new")})
	operationsOfUser(errs, ctx, store, user, "github", w.github, oauth2.Token{AccessToken: core.String("new")})
	errs["store user credentials"] = second(store.UserCredentials(ctx, user))
	errs["store missing for"] = second(store.MissingFor(ctx, user))
	errs["store delete user"] = store.DeleteUser(ctx, user)
}

func operationsOf[T any](errs map[string]error, ctx context.Context, store *credentials.Store, name string, c *credentials.Credential[T], value T) {
	errs[name+" get"] = second(c.Get(ctx, store))
	errs[name+" has"] = second(c.Has(ctx, store))
	errs[name+" status"] = second(c.Status(ctx, store))
	errs[name+" http"] = request(ctx)(c.HTTP(store))
	errs[name+" update"] = c.Update(ctx, store, func(v *T) error { *v = value; return nil })
	errs[name+" set"] = c.Set(ctx, store, value)
	errs[name+" delete"] = c.Delete(ctx, store)
}

func operationsOfUser[T any](errs map[string]error, ctx context.Context, store *credentials.Store, user, name string, c *credentials.UserCredential[T], value T) {
	errs[name+" get"] = second(c.Get(ctx, store, user))
	errs[name+" has"] = second(c.Has(ctx, store, user))
	errs[name+" status"] = second(c.Status(ctx, store, user))
	errs[name+" http"] = request(ctx)(c.HTTP(store, user))
	errs[name+" from context"] = second(c.FromContext(credentials.WithUser(ctx, store, user)))
	errs[name+" http from context"] = request(ctx)(c.HTTPFromContext(credentials.WithUser(ctx, store, user)))
	errs[name+" update"] = c.Update(ctx, store, user, func(v *T) error { *v = value; return nil })
	errs[name+" set"] = c.Set(ctx, store, user, value)
	errs[name+" delete"] = c.Delete(ctx, store, user)
}

// request sends one request by the client, if there is one.
func request(ctx context.Context) func(client *http.Client, err error) error {
	return func(client *http.Client, err error) error {
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/x", http.NoBody)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
}

func second[T any](_ T, err error) error { return err }
