// Package gin stands for the router of that name: its names, and no more.
package gin

import "context"

type Context struct{ context.Context }
