package billing

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

// Raw reads ids of which only the program can tell whether they are declared.
func Raw(ctx context.Context, svc core.SecretService) error {
	if _, err := svc.Get(ctx, "STRIPE_CREDENTIAL"); err != nil {
		return err
	}
	_, err := svc.Get(ctx, "MAIL_PASSWORD")
	return err
}

func Allowed(ctx context.Context, svc core.SecretService) {
	svc.Get(ctx, "LEGACY") //lukko:allow undeclared the migration reads it once
}

// Dynamic reads what nobody knows of.
func Dynamic(ctx context.Context, svc core.SecretService, user string) {
	svc.Get(ctx, "user/"+user)
}
