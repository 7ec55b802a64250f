// Package oauthtest is an independent OAuth2 server for tests.
package oauthtest
