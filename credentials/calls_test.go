package credentials_test

import (
	"slices"
	"strings"
	"sync"

	"github.com/lukko-dev/lukko/core/memory"
)

// calls are those that arrived at a store, as "get A" and "get many A,B".
type calls struct {
	mu   sync.Mutex
	list []string
}

func (c *calls) add(call memory.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := slices.Sorted(slices.Values(call.IDs))
	c.list = append(c.list, strings.TrimSpace(call.Op+" "+strings.Join(ids, ",")))
}

// take returns them, and begins anew.
func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}
