package credentials

import (
	"reflect"

	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

func appSpec(id string) schema.Spec { return schema.Spec{ID: id} }

func tokenSpec(id string) schema.Spec { return schema.Spec{ID: id, Optional: true} }

func settingsFaults(*oauth2.Settings) []string { return nil }

func equalSettings(a, b *oauth2.Settings) bool { return reflect.DeepEqual(a, b) }
