package main

import (
	"fmt"

	"github.com/lukko-dev/lukko/conformance"
)

// price is what a vendor asks for, in US dollars, by its public list.
type price struct {
	vendor string
	call   float64 // for one call of the vendor's API
	calls  float64 // of those for one call of the store, at most
	hour   float64 // to keep one secret, or one version, for an hour
	kept   func(conformance.Estimate) int
}

const month = 30 * 24 // hours, as both vendors count them in parts

// prices of stores that bill, by provider. The providers' READMEs name the
// vendors' pages.
var prices = map[string]price{
	"aws": {"AWS", 0.05 / 10_000, 4, 0.40 / month, func(e conformance.Estimate) int { return e.Secrets }},
	// Google bills versions, of which each call may make one.
	"gcp": {"Google", 0.03 / 10_000, 3, 0.06 / month, func(e conformance.Estimate) int { return e.Calls }},
}

// bill says in a sentence what a live check costs; empty where nothing is billed
// that we know of.
func bill(provider string, e conformance.Estimate) string {
	p, ok := prices[provider]
	if !ok {
		return ""
	}
	dollars := float64(e.Calls)*p.calls*p.call + float64(p.kept(e))*p.hour
	if dollars < 0.01 {
		return "by " + p.vendor + "'s price list it costs less than $0.01 if it ends within an hour"
	}
	return fmt.Sprintf("by %s's price list it costs at most $%.2f if it ends within an hour", p.vendor, dollars+0.005)
}
