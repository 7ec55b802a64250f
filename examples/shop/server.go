package main

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/lukko-dev/lukko/examples/shop/billing"
	"github.com/lukko-dev/lukko/examples/shop/mail"
	"github.com/lukko-dev/lukko/examples/shop/secrets"
	"github.com/lukko-dev/lukko/examples/shop/storage"
)

// newShop wires the packages. Each gets the getters of what it declared: they
// never block, never fail, and follow rotation.
func newShop(s *secrets.LoadedSecrets, v *secrets.LoadedVariables) *shop {
	return &shop{
		bill: billing.Client{Config: billing.Config{
			Stripe: s.Stripe, InvoiceKey: s.InvoiceKey, StripeURL: v.StripeURL, Currency: v.Currency,
		}},
		store: &storage.Store{Config: storage.Config{
			Account: s.Database, SessionKey: s.SessionKey, BackupKey: s.BackupKey,
			Host: v.DatabaseHost, MaxConnections: v.DatabaseConnections,
		}},
		mailer: mail.Mailer{Config: mail.Config{
			SMTP: s.SMTP, SendGrid: s.Sendgrid, From: v.MailFrom, Footer: v.MailFooter,
		}},
	}
}

// shop is the web service.
type shop struct {
	bill   billing.Client
	store  *storage.Store
	mailer mail.Mailer
}

// receipt is the answer to an order.
type receipt struct {
	Invoice   string `json:"invoice"`
	Signature string `json:"signature"`
	Mail      string `json:"mail"`
}

// handler serves POST /orders?customer=ada&amount=4200.
func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		customer := r.FormValue("customer")
		amount, err := strconv.Atoi(r.FormValue("amount"))
		if err != nil || customer == "" {
			http.Error(w, "customer and amount are needed", http.StatusBadRequest)
			return
		}
		invoice, signature, err := s.bill.Charge(r.Context(), customer, amount)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway) // which holds no secret
			return
		}
		s.store.Add(invoice)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: s.store.Session(customer), HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(receipt{invoice, signature, s.mailer.Compose(customer, invoice)})
	})
	return mux
}
