package plainuse

import "example.com/shop/plain"

func Use(e plain.Exported) string { return e.Named }
