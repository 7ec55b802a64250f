// Package generate writes typed Go and metadata from a program's declarations.
package generate
