package main

import (
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

// fileLayer is an encrypted store among the layers of a target.
type fileLayer struct {
	*file.Store
	name   string // of the layer
	prefix string // of its URL: what the ids in it begin with
}

// fileLayers opens the encrypted stores among the layers. The caller closes
// them.
func (t *target) fileLayers(a *app) (layers []fileLayer, err error) {
	for _, s := range t.stores {
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "file" {
			continue
		}
		layer, err := t.fileLayer(a, u)
		if err != nil {
			closeAll(layers)
			return nil, err
		}
		layer.name = s.Name
		layers = append(layers, layer)
	}
	return layers, nil
}

func (t *target) fileLayer(a *app, u *url.URL) (fileLayer, error) {
	query, err := core.Query(u, "prefix")
	if err != nil {
		return fileLayer{}, err
	}
	dir, err := file.DirOf(u)
	if err != nil {
		return fileLayer{}, err
	}
	cfg := a.fileConfig(dir)
	if t.Store != nil {
		cfg.Notice = func(string) {} // it was said when t was opened
	}
	store, err := file.New(cfg)
	return fileLayer{Store: store, prefix: query["prefix"]}, err
}

func closeAll(layers []fileLayer) {
	for _, l := range layers {
		_ = l.Close() // it holds nothing that closing could lose
	}
}

// fileStore opens the one encrypted store of the target. The caller closes it.
func (t *target) fileStore(a *app) (fileLayer, error) {
	layers, err := t.fileLayers(a)
	if err != nil {
		return fileLayer{}, err
	}
	if len(layers) == 1 {
		return layers[0], nil
	}
	defer closeAll(layers)
	if len(layers) == 0 {
		return fileLayer{}, usage(t.what()+" has no encrypted store", "this command works on one that lukko init made; name it by --url file:FOLDER")
	}
	var names []string
	for _, l := range layers {
		names = append(names, l.name)
	}
	return fileLayer{}, usage(t.what()+" has several encrypted stores: "+strings.Join(names, ", "), "name one by --url file:FOLDER")
}
