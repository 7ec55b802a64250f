package credentials_test

import (
	"slices"
	"strings"
	"sync"

	"github.com/lukko-dev/lukko/core/memory"
)

// calls are those that arrived at a store, as "get A" and "get many A,B".
type calls struct {
	mu    sync.Mutex
	list  []string
	hooks map[string]func()
}

func (c *calls) add(call memory.Call) {
	ids := slices.Sorted(slices.Values(call.IDs))
	c.mu.Lock()
	c.list = append(c.list, strings.TrimSpace(call.Op+" "+strings.Join(ids, ",")))
	hook := c.hooks[call.Op]
	c.mu.Unlock()
	if hook != nil {
		hook()
	}
}

// on calls f at the beginning of each call of op that arrives; nil ends that.
func (c *calls) on(op string, f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hooks == nil {
		c.hooks = map[string]func(){}
	}
	c.hooks[op] = f
}

// take returns them, and begins anew.
func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}
