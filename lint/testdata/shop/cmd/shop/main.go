package main // want `secrets/secrets.go:17: the declaration Unused \(UNUSED\) is read by nothing.*\[unread\]` `secrets/secrets.go:19: the declaration Loaded \(LOADED_ONLY\) is read by nothing` `billing/billing.go:11: no declaration has the id "STRIPE_CREDENTIAL"; did you mean "STRIPE_CREDENTIALS"\? \[undeclared\]` `billing/billing.go:24: this id is no constant.*\[dynamic\]`

import (
	"context"

	"example.com/shop/billing"
	"example.com/shop/secrets"
	"example.com/shop/typed"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/schema"
)

var own = schema.Declare[string](schema.Spec{ID: "OWN"}) // want `the declaration own \(OWN\) is read by nothing`

var _ = schema.Declare[string](schema.Spec{ID: "BLANK"}) // want `the declaration of "BLANK" is read by nothing`

//lukko:allow unread a later version reads it
var later = schema.Declare[string](schema.Spec{ID: "LATER_HERE"})

func main() {
	ctx := context.Background()
	svc := memory.With(nil)
	typedSvc := typed.NewTypedSecretService(svc)
	typedSvc.Typed(ctx)
	loaded, err := typedSvc.Load(ctx)
	if err != nil {
		return
	}
	defer loaded.Close()
	_ = loaded.Handled()
	plain, err := schema.Load(ctx, svc, secrets.Loaded, secrets.StripeKey)
	if err != nil {
		return
	}
	defer plain.Close()
	_ = secrets.StripeKey.From(plain).Get()
	typedSvc.DSN(ctx)
	secrets.Mail.Set(ctx, svc, schemaValue())
	secrets.LogLevel.Get(ctx, svc)
	if schema.Default.Check() != nil {
		return
	}
	billing.Raw(ctx, svc)
	svc.Get(ctx, "MAIL_PASSWROD")   // want `no declaration has the id "MAIL_PASSWROD"; did you mean "MAIL_PASSWORD"\? \[undeclared\]`
	svc.Get(ctx, "ALTOGETHER_ELSE") // want `no declaration has the id "ALTOGETHER_ELSE": declare it, or correct it`
}
