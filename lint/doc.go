// Package lint finds mistakes in how a program uses its secrets.
package lint
