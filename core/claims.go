package core

import "context"

// A claim is one capability that an option needs.
type claim struct {
	option string
	has    func(Capabilities) bool
}

var (
	claimAtVersion = claim{"AtVersion", func(c Capabilities) bool { return c.AtVersion }}
	claimIfAbsent  = claim{"IfAbsent", func(c Capabilities) bool { return c.IfAbsent }}
	claimIfVersion = claim{"IfVersion", func(c Capabilities) bool { return c.IfVersion }}
	claimPurge     = claim{"Purge", func(c Capabilities) bool { return c.Purge }}
)

// claims returns an error unless the backend claims what an option needs. It
// is asked before the backend is, so that an option that isn't claimed
// changes nothing.
func (s *Store) claims(ctx context.Context, op, id string, need claim) error {
	c, err := s.capabilities(ctx)
	if err != nil {
		return s.wrap(ctx, op, id, read, err)
	}
	if !need.has(c) {
		return s.unsupported(op, id, "this provider does not claim "+need.option)
	}
	return nil
}

// capabilities is what the backend claims, cut to what its interfaces can
// do.
func (s *Store) capabilities(ctx context.Context) (Capabilities, error) {
	can := Capabilities{
		Set:      s.setter != nil,
		Delete:   s.deleter != nil,
		List:     s.lister != nil,
		Versions: s.versions != nil,
	}
	if s.capable == nil {
		return can, nil
	}
	c, err := s.capable.Capabilities(ctx)
	if err != nil {
		return Capabilities{}, err
	}
	c.Set = c.Set && can.Set
	c.Delete = c.Delete && can.Delete
	c.List = c.List && can.List
	c.Versions = c.Versions && can.Versions
	c.Purge = c.Purge && c.Delete
	c.IfAbsent = c.IfAbsent && c.Set
	c.IfVersion = c.IfVersion && c.Set
	c.Settle = max(c.Settle, 0)
	return c, nil
}
