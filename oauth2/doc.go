// Package oauth2 works with OAuth2 accounts whose tokens are kept in any
// [core.SecretService]: it connects them, and keeps them connected.
package oauth2
