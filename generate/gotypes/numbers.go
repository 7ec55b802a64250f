package gotypes

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// rational is the exact value of a number. It is false where the exponent is
// beyond what can be computed with.
func rational(n json.Number) (*big.Rat, bool) {
	if _, exponent, ok := strings.Cut(strings.ToLower(string(n)), "e"); ok {
		if e, err := strconv.Atoi(exponent); err != nil || e > 10_000 || e < -10_000 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(string(n))
}

// fitsInt64 reports whether the schema's bounds and lists of values stay
// within an int64. Where they say nothing, they do: who wants more says so.
func (d *document) fitsInt64(s any) bool {
	return d.allNumbers(s, func(r *big.Rat) bool { return new(big.Int).Quo(r.Num(), r.Denom()).IsInt64() })
}

// fitsFloat reports whether the integers among the schema's bounds and lists
// of values are exact as a float64: where they are not, more digits count.
func (d *document) fitsFloat(s any) bool {
	return d.allNumbers(s, func(r *big.Rat) bool {
		_, exact := r.Float64()
		return exact || !r.IsInt()
	})
}

// allNumbers reports whether fits holds for all numbers of an applied schema's
// bounds and values. For one that can't be computed with nothing holds.
func (d *document) allNumbers(s any, fits func(*big.Rat) bool) bool {
	all := true
	d.numbers(s, func(n json.Number) {
		r, ok := rational(n)
		all = all && ok && fits(r)
	})
	return all
}

// numbers calls f for each number of an applied schema's bounds and values.
func (d *document) numbers(s any, f func(json.Number)) {
	d.each(s, func(n node) {
		for _, keyword := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "const", "default"} {
			if number, ok := n[keyword].(json.Number); ok {
				f(number)
			}
		}
		for _, v := range list(n["enum"]) {
			if number, ok := v.(json.Number); ok {
				f(number)
			}
		}
	}, 0)
}

// allowsZero reports whether the zero of a Go number or bool may be valid.
func (d *document) allowsZero(s any, zero any) bool {
	for _, n := range d.certain(s) {
		if v, ok := n["const"]; ok && !equal(v, zero) {
			return false
		}
		if values, ok := n["enum"].([]any); ok {
			found := false
			for _, v := range values {
				found = found || equal(v, zero)
			}
			if !found {
				return false
			}
		}
		for _, bound := range []struct {
			keyword string
			sign    int // of the numbers that leave zero out
			strict  bool
		}{{"minimum", 1, false}, {"maximum", -1, false}, {"exclusiveMinimum", 1, true}, {"exclusiveMaximum", -1, true}} {
			number, ok := n[bound.keyword].(json.Number)
			if !ok || zero == false {
				continue
			}
			r, ok := rational(number)
			if ok && (r.Sign() == bound.sign || bound.strict && r.Sign() == 0) {
				return false
			}
		}
	}
	return true
}

func equal(v, zero any) bool {
	number, ok := v.(json.Number)
	if !ok {
		return v == zero
	}
	r, ok := rational(number)
	_, isNumber := zero.(json.Number)
	return ok && isNumber && r.Sign() == 0
}
