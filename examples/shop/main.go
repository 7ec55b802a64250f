// Command shop is a small web service of three packages, each of which declares
// the secrets and variables that it needs. It shows what comes of that: a typed
// service, one list of all that is missing, values that a machine makes, and
// a rotation under load. It needs no account, writes to a temporary folder
// only, and exits non-zero if anything it says is untrue.
//
//	go run ./examples/shop
//
// The policy and the manifest for its deployment are in deploy.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/examples/internal/tell"
	"github.com/lukko-dev/lukko/examples/shop/billing"
	"github.com/lukko-dev/lukko/examples/shop/mail"
	"github.com/lukko-dev/lukko/examples/shop/secrets"
	"github.com/lukko-dev/lukko/examples/shop/storage"
	"github.com/lukko-dev/lukko/providers/env"
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/schema"
)

//go:embed lukko.yaml
var settings []byte

//go:embed secrets/secrets_meta.json
var metadata []byte

func main() {
	if err := run(context.Background(), os.Stdout, newStripe); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, serve func() *fakeStripe) error {
	say := tell.Teller{Out: out}
	dir, err := os.MkdirTemp("", "lukko-shop-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	services, variables, err := open(ctx, dir)
	if err != nil {
		return err
	}
	defer services.Close()
	defer variables.Close()
	typed := secrets.NewTypedSecretService(services).InEnvironment(services.Environment.Name)

	say.Title("Three packages declare what they need; this is missing in development")
	missing, err := typed.Missing(ctx)
	if err != nil {
		return err
	}
	for _, r := range missing {
		say.Line("%s%s", r.Meta.ID, aside(r.Meta))
	}
	if len(missing) != 6 {
		return fmt.Errorf("%d secrets are missing, want 6", len(missing))
	}

	say.Title("What a machine can make is made; a person gives the rest")
	public, err := fill(ctx, typed, missing)
	if err != nil {
		return err
	}
	if missing, err = typed.Missing(ctx); err != nil || len(missing) > 0 {
		return errors.Join(err, fmt.Errorf("%d secrets are missing, want none", len(missing)))
	}
	say.Line("nothing is missing now: of the two ways to send mail one is enough, and BACKUP_KEY is for production")

	say.Title("The service starts, with every value checked before the first request")
	loaded, err := typed.Load(ctx)
	if err != nil {
		return err
	}
	defer loaded.Close()
	stripe := serve()
	defer stripe.Close()
	settings, err := secrets.NewTypedVariables(core.New("demo", pointed{variables, stripe.URL})).Load(ctx)
	if err != nil {
		return err
	}
	defer settings.Close()
	if n := settings.DatabaseConnections(); n != 10 {
		return fmt.Errorf("%d connections, want the default", n)
	}
	shop := newShop(loaded, settings)
	if err := shop.store.Reachable(); err != nil || shop.store.HasBackups() {
		return errors.New("the storage is not set up as for development")
	}
	way, err := shop.mailer.Way()
	if err != nil {
		return err
	}
	say.Line("mails go by %s; the database is %s with %d connections", way, settings.DatabaseHost(), settings.DatabaseConnections())
	server := httptest.NewServer(shop.handler())
	defer server.Close()

	say.Title("An order")
	bought, err := order(ctx, server.URL, "ada", 4200)
	if err != nil {
		return err
	}
	if err := verify(public, bought); err != nil {
		return err
	}
	say.Line("%q, signed with a key that nobody has seen, and verified", bought.Invoice)

	say.Title("Stripe's key is rotated, and the running service follows")
	stripe.accept("sk_test_second")
	if _, err := order(ctx, server.URL, "bob", 100); err == nil {
		return errors.New("the old key still works")
	}
	if err := typed.SetStripe(ctx, credentials("sk_test_second")); err != nil {
		return err
	}
	if err := loaded.Refresh(ctx); err != nil { // it polls by itself, too: once a minute
		return err
	}
	if _, err := order(ctx, server.URL, "bob", 100); err != nil {
		return err
	}
	say.Line("%d orders in all", len(shop.store.Orders()))

	say.Title("A value that the schema refuses never gets in, by no way")
	_, err = typed.Set(ctx, secrets.StripeID, core.String(`{"apiKey":"pk_test_canary","webhookSecret":"whsec_c"}`))
	if !errors.Is(err, core.ErrInvalidValue) || strings.Contains(err.Error(), "canary") {
		return fmt.Errorf("a publishable key is stored, or shown: %w", err)
	}
	say.Line("%v", err)

	say.Title("All of this was true: checked, not only said")
	return nil
}

// open opens the environment development of lukko.yaml, in a folder of its
// own with a new identity.
func open(ctx context.Context, dir string) (services *config.Opened, variables *core.Store, err error) {
	you, err := file.CreateIdentity(filepath.Join(dir, "identity.txt"), file.IdentityOptions{})
	if err != nil {
		return nil, nil, err
	}
	place := file.Config{UserDir: dir, LookupEnv: noEnvironment}
	made := place
	made.Dir = filepath.Join(dir, "store")
	if err := file.Init(ctx, made, you); err != nil {
		return nil, nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets", "secrets_meta.json"), metadata, 0o600); err != nil {
		return nil, nil, err
	}
	c, err := config.Parse(filepath.Join(dir, "lukko.yaml"), settings)
	if err != nil {
		return nil, nil, err
	}
	schemes := core.Schemes{
		"file": file.Opener(place),
		"env": func(context.Context, *url.URL) (*core.Store, error) {
			return env.New(env.Config{Lookup: noEnvironment}), nil
		},
	}
	if services, err = c.OpenWith(ctx, "development", schemes); err != nil {
		return nil, nil, err
	}
	if variables, err = c.OpenVariablesWith(ctx, "development", schemes); err != nil {
		return nil, nil, errors.Join(err, services.Close())
	}
	return services, variables, nil
}

// fill stores what is missing, and returns the public half of the key of
// invoices.
func fill(ctx context.Context, typed *secrets.TypedSecretService, missing []schema.Report) (public string, err error) {
	for _, r := range missing {
		if r.Meta.Generate == "" {
			continue
		}
		d, _ := schema.Default.ByID(r.Meta.ID)
		made, err := schema.Generate(d)
		if err != nil {
			return "", err
		}
		if _, err := typed.Set(ctx, r.Meta.ID, made.Value, core.IfAbsent()); err != nil {
			return "", err
		}
		if r.Meta.ID == secrets.InvoiceKeyID {
			public = made.Public
		}
	}
	return public, errors.Join(
		typed.SetStripe(ctx, credentials("sk_test_first")),
		typed.SetDatabase(ctx, storage.Database{User: core.String("shop"), Password: core.String("correct horse battery")}),
		typed.SetSMTP(ctx, mail.SMTPAccount{Host: "mail.example:587", User: core.String("shop"), Password: core.String("mail secret")}),
	)
}

func credentials(key string) billing.StripeCredentials {
	return billing.StripeCredentials{APIKey: core.String(key), WebhookSecret: core.String("whsec_demo")}
}

// order orders over HTTP.
func order(ctx context.Context, server, customer string, amount int) (receipt, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/orders?customer=%s&amount=%d", server, customer, amount), nil)
	if err != nil {
		return receipt{}, err
	}
	return decodeReceipt(http.DefaultClient.Do(req))
}
