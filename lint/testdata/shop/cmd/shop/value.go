package main

import "github.com/lukko-dev/lukko/core"

func schemaValue() core.Value { return core.Value{} }
