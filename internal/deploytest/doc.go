// Package deploytest holds policies and manifests to their vendors' schemas.
package deploytest
