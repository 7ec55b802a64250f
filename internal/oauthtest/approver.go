package oauthtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Approver is a user with a plain HTTP client in place of a browser: it follows an
// authorization address, logs in, and agrees. No error of it holds an address.
type Approver struct {
	User User
	Deny bool // refuse to agree

	// Client sends the requests; nil is one without cookies. Redirects are followed
	// by the approver itself.
	Client *http.Client
}

func (a Approver) client() *http.Client {
	c := &http.Client{}
	if a.Client != nil {
		*c = *a.Client
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Approve follows an authorization address until the server sends the browser back
// to the application, and returns where, with the code or the error in its query.
// It does not go there.
func (a Approver) Approve(ctx context.Context, authorization string) (*url.URL, error) {
	at, err := url.Parse(authorization)
	if err != nil {
		return nil, errors.New("the authorization address is none")
	}
	server := at.Host
	client := a.client()
	form := url.Values(nil)
	for range 10 {
		resp, err := send(ctx, client, at, form)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close()
		form = nil
		switch {
		case resp.StatusCode == http.StatusFound:
			next, err := resp.Location()
			if err != nil {
				return nil, errors.New("a redirect leads nowhere")
			}
			if next.Host != server {
				return next, nil
			}
			at = next
		case resp.StatusCode == http.StatusOK && at.Path == loginPath:
			form = a.form("id", at.Query().Get("id"))
		default:
			return nil, fmt.Errorf("the authorization server answers %d at %s", resp.StatusCode, at.Path)
		}
	}
	return nil, errors.New("the redirects do not end")
}

// Visit is Approve, and then goes to where the server sends the browser. The caller
// closes the answer's body.
func (a Approver) Visit(ctx context.Context, authorization string) (*http.Response, error) {
	back, err := a.Approve(ctx, authorization)
	if err != nil {
		return nil, err
	}
	return send(ctx, a.client(), back, nil)
}

// ApproveDevice enters a user code: address is the verification_uri_complete of RFC
// 8628 section 3.2.
func (a Approver) ApproveDevice(ctx context.Context, address string) error {
	at, err := url.Parse(address)
	if err != nil {
		return errors.New("the verification address is none")
	}
	resp, err := send(ctx, a.client(), at, a.form("user_code", at.Query().Get("user_code")))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the authorization server answers %d to the user code", resp.StatusCode)
	}
	return nil
}

func (a Approver) form(name, value string) url.Values {
	consent := "allow"
	if a.Deny {
		consent = "deny"
	}
	return url.Values{name: {value}, "user": {a.User.Name}, "password": {a.User.Password}, "consent": {consent}}
}

func send(ctx context.Context, client *http.Client, at *url.URL, form url.Values) (*http.Response, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("the address is none")
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	var about *url.Error
	if errors.As(err, &about) {
		err = about.Err // without the address
	}
	return resp, err
}
