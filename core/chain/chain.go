package chain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

const provider = "chain"

// separator parts a layer's name from a version.
const separator = ":"

// Config says what a chain is made of.
type Config struct {
	// Layers are asked in this order. There is at least one.
	Layers []Layer

	// WriteTo is the name of the layer that Set and Delete go to. Empty is
	// the only layer that can be written to; finding it opens every layer, at
	// the first write or question for capabilities. If several can, the chain
	// only reads, and a write is ErrUnsupported that names them.
	WriteTo string

	// FallThrough are the kinds of failures, beside ErrNotFound, that a read
	// passes over: core.ErrUnavailable, core.ErrPermissionDenied (some
	// policies deny before they look), or another of core's kinds. A layer
	// that is passed over with core.ErrInvalidID can't hold the id, and so
	// doesn't have it.
	FallThrough []error

	// OnFallThrough is told what a chain does beyond answering from the first
	// layer that has the id; nil is nobody, and then a Delete does not look
	// for what it uncovers. It is called in the goroutine of the call, from
	// several at once, and the call waits for it. It may call the chain.
	OnFallThrough func(Event)
}

// Layer is one of a chain's services: either Service or Open is set.
type Layer struct {
	// Name is how versions, errors and Source name the layer. It is unique in
	// the chain, and made of the bytes of an id but the colon.
	Name string

	// Service is a service that is there already. The chain does not close
	// it.
	Service core.SecretService

	// Open opens the service at the first call that needs it. It runs once
	// for all who wait for it, in a context of its own that ends after
	// [OpenTimeout], and each who waits may leave when its own context ends.
	// A failure is an answer of the layer: it is passed over if its kind is
	// in FallThrough, and is tried again after [OpenPause]. An ErrNotFound of
	// it is about the store and not about an id, so it is ErrUnavailable
	// here. The chain closes what Open returned, if it is an io.Closer.
	Open func(context.Context) (core.SecretService, error)
}

// Chain is a service in layers. It is safe for concurrent use.
//
// It claims what its written layer claims, except IfAbsent, which it claims
// only when no other layer can be written to: a writer there could win too. A
// layer below the written one that has not been opened counts as one that can,
// since asking for capabilities opens layers only down to the written one.
//
// A List leaves out what a layer that can't list has, and reports that layer.
// It is refused where the written layer can't list, since what was just set
// would be missing; so are Versions and AtVersion where the written layer lacks
// them. A chain that only reads claims each of the three where some layer does.
type Chain struct {
	*core.Store
	backend *backend
}

var _ core.SecretService = (*Chain)(nil)

// New makes a chain. It calls and opens nothing. An error matches
// core.ErrInvalidOption.
//
// The caller closes the chain, which waits for the calls in flight and for an
// Open in progress, and closes what Open functions have opened.
func New(c Config) (*Chain, error) {
	b, fault := newBackend(c)
	if fault != "" {
		return nil, &core.Error{Op: "new", Provider: provider, Kind: core.ErrInvalidOption, Hint: fault}
	}
	return &Chain{Store: core.New(provider, b), backend: b}, nil
}

// backend is the Backend under the front.
type backend struct {
	layers      []*layer
	names       string // of the layers, for hints
	writeTo     *layer // nil: the only one that can be written to
	fallThrough []error
	hook        func(Event)
	explaining  gate
}

var (
	_ core.Backend     = (*backend)(nil)
	_ core.BatchGetter = (*backend)(nil)
	_ core.Statter     = (*backend)(nil)
	_ core.Setter      = (*backend)(nil)
	_ core.Deleter     = (*backend)(nil)
	_ core.Lister      = (*backend)(nil)
	_ core.Versioner   = (*backend)(nil)
	_ core.Capable     = (*backend)(nil)
)

// newBackend returns what is wrong with a Config, if anything is.
func newBackend(c Config) (b *backend, fault string) {
	if len(c.Layers) == 0 {
		return nil, "a chain has at least one layer"
	}
	b = &backend{fallThrough: slices.Clone(c.FallThrough), hook: c.OnFallThrough}
	var names []string
	for i, l := range c.Layers {
		switch {
		case core.CheckID(l.Name) != nil || strings.Contains(l.Name, separator):
			return nil, fmt.Sprintf("the name of layer %d is not made of the bytes of an id but the colon", i+1)
		case slices.Contains(names, l.Name):
			return nil, fmt.Sprintf("two layers have the name %q", l.Name)
		case (l.Service == nil) == (l.Open == nil):
			return nil, fmt.Sprintf("layer %q has both Service and Open or neither; it needs one", l.Name)
		}
		names = append(names, l.Name)
		b.layers = append(b.layers, newLayer(l))
	}
	b.names = strings.Join(names, ", ")
	if c.WriteTo != "" {
		i := slices.Index(names, c.WriteTo)
		if i < 0 {
			return nil, "WriteTo names no layer; the layers are " + b.names
		}
		b.writeTo = b.layers[i]
	}
	for _, kind := range c.FallThrough {
		if kind == nil || core.KindOf(kind) != kind { //nolint:errorlint // a kind is the sentinel itself
			return nil, "FallThrough holds what is none of core's kinds of errors"
		}
	}
	return b, ""
}

// Close closes what Open functions have opened. Nobody is in a call any more,
// but an Explain may be.
func (b *backend) Close() (err error) {
	b.explaining.close()
	for _, l := range b.layers {
		if failed := l.close(); failed != nil && err == nil {
			err = l.blame(failed)
		}
	}
	return err
}
