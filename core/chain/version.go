package chain

import (
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// sign puts the layer into an answer.
func (l *layer) sign(info *core.Info) {
	info.Source = l.name
	if info.Version != "" {
		info.Version = l.name + separator + info.Version
	}
}

// layerOf returns the layer that a version names, and the version there.
func (b *backend) layerOf(version string) (l *layer, below string, ok bool) {
	name, below, ok := strings.Cut(version, separator)
	if !ok || below == "" {
		return nil, "", false
	}
	for _, l := range b.layers {
		if l.name == name {
			return l, below, true
		}
	}
	return nil, "", false
}

// noSuchLayer is what is wrong with a version that layerOf does not know.
func (b *backend) noSuchLayer() string {
	return "the version names no layer of this chain, and can't be one of its own; the layers are " + b.names
}
