package core

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// An Opener opens the store that a URL names. The authority and the path say
// which store; empty, the vendor's own environment does. The key "prefix" is
// served in Open and never arrives here, user and password are refused there
// too. An opener reads the other keys with [Query], which refuses those that
// it doesn't know, and never quotes the URL in an error.
//
// ctx bounds the opening only.
type Opener func(ctx context.Context, u *url.URL) (*Store, error)

// Schemes maps the schemes of URLs, in lower case, to openers. Most programs
// use the default one through [Open] and [Register]; a program that wants no
// global keeps its own, made by Register or as a map literal. It is not safe to
// Register while others Open.
type Schemes map[string]Opener

// The default schemes, filled by the init functions of provider packages.
var (
	defaultMu      sync.RWMutex
	defaultSchemes = Schemes{}
)

// Register adds a scheme to the default Schemes, as provider packages do in
// an init function. It panics if the scheme is there already.
func Register(scheme string, open Opener) {
	defaultMu.Lock()
	defer defaultMu.Unlock()
	defaultSchemes.Register(scheme, open)
}

// Open opens the store that a URL names, such as "env:", "file:secrets" or
// "vault://vault.example.com/secret?prefix=shop/". The package of its scheme
// must be imported, if only for that effect; the error of an unknown scheme
// names the import that is missing.
//
// The key "prefix" is understood for every scheme: it is percent-decoded as
// a path is ("+" is itself), taken byte for byte, and the store is under it,
// as by [Prefix]. An unknown key, a repeated one, a fragment, and a user or
// password are errors; credentials come from the environment or from files.
// No error quotes the URL. A URL that can't be meant is ErrInvalidOption, an
// unknown scheme errors.ErrUnsupported; what else fails is the provider's. ctx
// bounds the opening only.
//
// The caller closes the store.
func Open(ctx context.Context, rawURL string) (*Store, error) {
	return currentSchemes().Open(ctx, rawURL)
}

// CheckURL returns the error of [Open] that can be told without opening
// anything, if there is one: a URL that does not parse, an unknown scheme, a
// credential, a query that can't be meant. What only the provider knows, such
// as its keys, it does not check.
func CheckURL(rawURL string) error { return currentSchemes().CheckURL(rawURL) }

func currentSchemes() Schemes {
	defaultMu.RLock()
	defer defaultMu.RUnlock()
	return maps.Clone(defaultSchemes)
}

// Register adds a scheme. It panics if the scheme is there already, or if it
// or open is empty.
func (s *Schemes) Register(scheme string, open Opener) {
	if scheme == "" || scheme != strings.ToLower(scheme) || open == nil {
		panic("core: Register needs a scheme in lower case and an Opener")
	}
	if *s == nil {
		*s = Schemes{}
	}
	if _, ok := (*s)[scheme]; ok {
		panic("core: Register called twice for the scheme " + scheme)
	}
	(*s)[scheme] = open
}

// Open is [Open] with the schemes of s.
func (s Schemes) Open(ctx context.Context, rawURL string) (*Store, error) {
	const op = "open"
	u, prefix, err := s.parse(rawURL)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, &Error{Op: op, Provider: u.Scheme, Err: err}
	}
	store, err := s[u.Scheme](ctx, u)
	if err == nil && store == nil {
		err = typeOnly{"nil, with no store"}
	}
	if err != nil {
		return nil, (&Store{provider: u.Scheme}).wrap(ctx, op, "", read, err)
	}
	if prefix == "" {
		return store, nil
	}
	r := prefixed(store, prefix)
	r.close = store.Close
	return New(store.provider, r), nil
}

// CheckURL is [CheckURL] with the schemes of s.
func (s Schemes) CheckURL(rawURL string) error {
	_, _, err := s.parse(rawURL)
	return err
}

// parse returns the URL as its opener gets it, and the prefix that was in it.
func (s Schemes) parse(rawURL string) (u *url.URL, prefix string, err error) {
	fail := func(kind error, hint string) (*url.URL, string, error) {
		return nil, "", &Error{Op: "open", Kind: kind, Hint: hint}
	}
	u, err = url.Parse(rawURL)
	if err != nil { // which quotes the URL
		return fail(ErrInvalidOption, "the URL does not parse; a store is named like env: or file:secrets")
	}
	if u.Scheme == "" {
		return fail(ErrInvalidOption, "the URL has no scheme; a store is named like env: or file:secrets")
	}
	if s[u.Scheme] == nil {
		return fail(errors.ErrUnsupported, s.missing(u.Scheme))
	}
	if u.User != nil {
		return fail(ErrInvalidOption, "a URL holds no user or password; the provider takes credentials from the environment or from files")
	}
	if u.Fragment != "" || strings.Contains(rawURL, "#") {
		return fail(ErrInvalidOption, "a URL of a store has no fragment; a # in it is written %23")
	}
	prefix, err = takePrefix(u)
	return u, prefix, err
}

// takePrefix takes the key "prefix" out of a URL.
func takePrefix(u *url.URL) (string, error) {
	all, err := query(u.RawQuery)
	if err != nil {
		return "", err
	}
	prefix, ok := all["prefix"]
	if !ok {
		return "", nil
	}
	fault := prefixFault(prefix)
	if prefix == "" {
		fault = "the prefix is empty, as when a variable in it is not set; leave the key out for no prefix"
	}
	if fault != "" {
		return "", &Error{Op: "open", Kind: ErrInvalidOption, Hint: fault}
	}
	u.RawQuery = strings.Join(slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		key, _ = url.PathUnescape(key)
		return key == "prefix"
	}), "&")
	return prefix, nil
}

// Query returns the keys and values of a store's URL, percent-decoded as a
// path is ("+" is itself). It returns an error that matches ErrInvalidOption
// if the query does not parse, if a key is repeated, or if one is not among
// known; a known "tag.*" stands for all keys that begin with "tag.". The
// error does not quote the URL.
func Query(u *url.URL, known ...string) (map[string]string, error) {
	all, err := query(u.RawQuery)
	if err != nil {
		return nil, err
	}
	for key := range all {
		if slices.ContainsFunc(known, func(k string) bool {
			start, wild := strings.CutSuffix(k, "*")
			return k == key || wild && strings.HasPrefix(key, start)
		}) {
			continue
		}
		names := slices.Sorted(slices.Values(append(slices.Clone(known), "prefix")))
		return nil, &Error{
			Op: "open", Kind: ErrInvalidOption,
			Hint: "the URL has a key that this provider does not know; it knows " + strings.Join(names, ", "),
		}
	}
	return all, nil
}

func query(raw string) (map[string]string, error) {
	all := map[string]string{}
	if raw == "" {
		return all, nil
	}
	fail := func(i int, what string) (map[string]string, error) {
		return nil, &Error{Op: "open", Kind: ErrInvalidOption, Hint: fmt.Sprintf("key %d of the URL's query %s", i+1, what)}
	}
	for i, pair := range strings.Split(raw, "&") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return fail(i, "is not of the form key=value")
		}
		if strings.Contains(pair, ";") {
			return fail(i, "has a semicolon; keys are parted by &, and a semicolon is written %3B")
		}
		key, err1 := url.PathUnescape(key)
		value, err2 := url.PathUnescape(value)
		if err1 != nil || err2 != nil {
			return fail(i, "has a % that begins no escape; a percent sign is written %25")
		}
		if _, twice := all[key]; twice {
			return fail(i, "repeats an earlier key")
		}
		all[key] = value
	}
	return all, nil
}

// providerModules tells which import brings a scheme, so that the error of
// one that is missing can say so. It is a list of names: nothing here links
// a provider.
var providerModules = map[string]string{
	"memory": "core/memory",
	"env":    "providers/env",
	"file":   "providers/file", "file+dir": "providers/file", "file+dotenv": "providers/file",
	"file+json": "providers/file", "file+yaml": "providers/file",
	"aws":      "providers/aws",
	"gcp":      "providers/gcp",
	"vault":    "providers/vault",
	"postgres": "providers/sqlstore", "sqlite": "providers/sqlstore",
}

func (s Schemes) missing(scheme string) string {
	if module, ok := providerModules[scheme]; ok {
		return `this program does not link the scheme; add import _ "github.com/lukko-dev/lukko/` + module + `"`
	}
	have := slices.Sorted(maps.Keys(s))
	have = slices.DeleteFunc(have, func(scheme string) bool { return s[scheme] == nil })
	if len(have) == 0 {
		return "the scheme is unknown, and no provider is imported"
	}
	return "the scheme is unknown; this program has " + strings.Join(have, ", ")
}
