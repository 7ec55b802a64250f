package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/lukko-dev/lukko/oauth2"
)

// list returns the names of the account's repositories. There is nothing of
// tokens in it: the client adds one, and has a new one when it is refused.
func list(ctx context.Context, account *oauth2.Client, api string) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/user/repos?per_page=100", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	resp, err := account.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the API answers %s", resp.Status)
	}
	var repositories []struct {
		FullName string `json:"full_name"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(&repositories); err != nil {
		return nil, err
	}
	var names []string
	for _, r := range repositories {
		names = append(names, r.FullName)
	}
	return names, nil
}
