// Package credentials declares the accounts that a program works with, its own
// and its users', and keeps them by name and user over any
// [core.SecretService].
package credentials
