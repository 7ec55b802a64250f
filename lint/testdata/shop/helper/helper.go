// Package helper has functions that take texts, and knows nothing of Lukko.
package helper

import (
	"crypto/sha256"
	"encoding/hex"
	"log"
	"net/http"
)

func Logf(format string, args ...any) { log.Printf("shop: "+format, args...) }

func Quote(s string) string { return `"` + s + `"` }

func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func Fetch(url string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func FetchToken(token string) error { return Fetch("https://api.example.com/bot" + token) }

// Client logs its token.
type Client struct{ base, token string }

func NewClient(base, token string) *Client { return &Client{base, token} }

func (c *Client) Use() string {
	log.Print("with " + c.token)
	return c.base
}
