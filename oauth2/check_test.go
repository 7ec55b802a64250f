package oauth2_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// valid is settings that nothing is wrong with.
func valid() oauth2.Settings {
	return oauth2.Settings{
		AuthURL: "https://id.example.com/authorize?tenant=1", TokenURL: "https://id.example.com/token",
		RevokeURL: "https://id.example.com/revoke", DeviceURL: "https://id.example.com/device",
		Scopes: []string{"read", "https://api.example.com/write"}, Resources: []string{"https://api.example.com/v1"},
		AuthParams: map[string]string{"prompt": "consent"}, TokenParams: map[string]string{"audience": "https://api.example.com"},
		AllowedHosts: []string{"api.example.com", "*.example.org", "localhost:8080"},
	}
}

func with(change func(*oauth2.Settings)) oauth2.Settings {
	s := valid()
	change(&s)
	return s
}

func TestSettingsThatAreRight(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]oauth2.Settings{
		"all endpoints":             valid(),
		"an issuer alone":           {Issuer: "https://id.example.com/tenant/1"},
		"an issuer with a slash":    {Issuer: "https://id.example.com/"},
		"an issuer on loopback":     {Issuer: "http://127.0.0.1:8080"},
		"localhost":                 {AuthURL: "http://localhost:1/a", TokenURL: "http://[::1]:1/t"},
		"an issuer of many tenants": {Issuer: "https://id.example.com/{tenantid}", AuthURL: "https://id.example.com/a", TokenURL: "https://id.example.com/t"},
		"a device alone":            {TokenURL: "https://id.example.com/token", DeviceURL: "https://id.example.com/device"},
		"client credentials":        {TokenURL: "https://id.example.com/token", Grant: oauth2.GrantClientCredentials},
		"commas between scopes":     with(func(s *oauth2.Settings) { s.ScopeSeparator = "," }),
		"openid with an issuer": with(func(s *oauth2.Settings) {
			s.Scopes, s.Issuer = []string{"openid"}, "https://id.example.com"
		}),
		"GitHub's revocation": with(func(s *oauth2.Settings) {
			s.RevokeURL, s.Revocation = "https://api.example.com/applications/{client_id}/grant", oauth2.RevokeGitHub
		}),
		"no hosts": with(func(s *oauth2.Settings) { s.AllowedHosts = nil }),
	} {
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettingsThatAreWrongSayWhereAndQuoteNothing(t *testing.T) {
	t.Parallel()
	type change = func(*oauth2.Settings)
	for name, test := range map[string]struct {
		change change
		field  string
	}{
		"http":                      {func(s *oauth2.Settings) { s.TokenURL = "http://canary.example.com/token" }, "TokenURL"},
		"http of a name that looks": {func(s *oauth2.Settings) { s.TokenURL = "http://localhost.canary.example/token" }, "TokenURL"},
		"no scheme":                 {func(s *oauth2.Settings) { s.AuthURL = "canary.example.com/authorize" }, "AuthURL"},
		"no host":                   {func(s *oauth2.Settings) { s.AuthURL = "https:///canary" }, "AuthURL"},
		"a password":                {func(s *oauth2.Settings) { s.RevokeURL = "https://user:canary@id.example.com/" }, "RevokeURL"},
		"a fragment":                {func(s *oauth2.Settings) { s.DeviceURL = "https://id.example.com/#canary" }, "DeviceURL"},
		"an empty fragment":         {func(s *oauth2.Settings) { s.DeviceURL = "https://id.example.com/canary#" }, "DeviceURL"},
		"what is no URL":            {func(s *oauth2.Settings) { s.TokenURL = "https://canary\x7f/" }, "TokenURL"},
		"file":                      {func(s *oauth2.Settings) { s.TokenURL = "file:///canary" }, "TokenURL"},
		"an issuer with a query":    {func(s *oauth2.Settings) { s.Issuer = "https://id.example.com/?canary" }, "Issuer"},
		"an issuer by http":         {func(s *oauth2.Settings) { s.Issuer = "http://canary.example.com" }, "Issuer"},
		"a tenant in the host":      {func(s *oauth2.Settings) { s.Issuer = "https://{tenant}.canary.example" }, "Issuer"},
		"no token endpoint":         {func(s *oauth2.Settings) { s.TokenURL = "" }, "TokenURL"},
		"tenants to discover":       {func(s *oauth2.Settings) { s.TokenURL, s.Issuer = "", "https://id.example.com/{tenantid}" }, "TokenURL"},
		"no way to agree":           {func(s *oauth2.Settings) { s.AuthURL, s.DeviceURL = "", "" }, "AuthURL"},
		"openid and no issuer":      {func(s *oauth2.Settings) { s.Scopes = []string{"openid"} }, "Issuer"},
		"another grant":             {func(s *oauth2.Settings) { s.Grant = "canary" }, "Grant"},
		"another PKCE":              {func(s *oauth2.Settings) { s.PKCE = "plain-canary" }, "PKCE"},
		"another authentication":    {func(s *oauth2.Settings) { s.ClientAuth = "canary" }, "ClientAuth"},
		"another revocation":        {func(s *oauth2.Settings) { s.Revocation = "canary" }, "Revocation"},
		"public client credentials": {func(s *oauth2.Settings) { s.Grant, s.ClientAuth = oauth2.GrantClientCredentials, oauth2.ClientNone }, "ClientAuth"},
		"a space in a scope":        {func(s *oauth2.Settings) { s.Scopes = []string{"read canary"} }, "Scopes"},
		"an empty scope":            {func(s *oauth2.Settings) { s.Scopes = []string{""} }, "Scopes"},
		"a quote in a scope":        {func(s *oauth2.Settings) { s.Scopes = []string{`"canary"`} }, "Scopes"},
		"the separator in a scope":  {func(s *oauth2.Settings) { s.ScopeSeparator, s.Scopes = ",", []string{"a,canary"} }, "Scopes"},
		"a long separator":          {func(s *oauth2.Settings) { s.ScopeSeparator = "canary" }, "ScopeSeparator"},
		"a scope parameter of ours": {func(s *oauth2.Settings) { s.ScopeParam = "state" }, "ScopeParam"},
		"state among parameters":    {func(s *oauth2.Settings) { s.AuthParams = map[string]string{"state": "canary"} }, "AuthParams"},
		"the scope's own parameter": {func(s *oauth2.Settings) {
			s.ScopeParam, s.AuthParams = "user_scope", map[string]string{"user_scope": "canary"}
		}, "AuthParams"},
		"grant_type":                {func(s *oauth2.Settings) { s.TokenParams = map[string]string{"grant_type": "canary"} }, "TokenParams"},
		"a secret as parameter":     {func(s *oauth2.Settings) { s.TokenParams = map[string]string{"client_secret": "canary"} }, "TokenParams"},
		"a line end in a parameter": {func(s *oauth2.Settings) { s.TokenParams = map[string]string{"audience": "canary\r\n"} }, "TokenParams"},
		"a relative resource":       {func(s *oauth2.Settings) { s.Resources = []string{"/canary"} }, "Resources"},
		"a resource with fragment":  {func(s *oauth2.Settings) { s.Resources = []string{"https://api.example.com/#canary"} }, "Resources"},
		"a path with a hole":        {func(s *oauth2.Settings) { s.TokenPath = "canary//x" }, "TokenPath"},
		"an audience with a space":  {func(s *oauth2.Settings) { s.AssertionAudience = "can ary" }, "AssertionAudience"},
		"any host":                  {func(s *oauth2.Settings) { s.AllowedHosts = []string{"*"} }, "AllowedHosts"},
		"a host with a path":        {func(s *oauth2.Settings) { s.AllowedHosts = []string{"api.example.com/canary"} }, "AllowedHosts"},
		"a URL for a host":          {func(s *oauth2.Settings) { s.AllowedHosts = []string{"https://canary.example.com"} }, "AllowedHosts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := with(test.change).Check()
			var own *oauth2.Error
			if !errors.As(err, &own) || !errors.Is(err, core.ErrInvalidValue) {
				t.Fatalf("it is taken: %v", err)
			}
			if !strings.HasPrefix(own.Hint, test.field+": ") || strings.Contains(own.Hint, "; ") {
				t.Errorf("it says %q, want %s and nothing else", own.Hint, test.field)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
				t.Errorf("it quotes: %v", err)
			}
		})
	}
}

func TestAllThatIsWrongWithSettingsIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	err := oauth2.Settings{PKCE: "x", AllowedHosts: []string{"*"}}.Check()
	for _, field := range []string{"TokenURL: ", "AuthURL: ", "PKCE: ", "AllowedHosts: "} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%q is not in: %v", field, err)
		}
	}
}

func TestSettingsComeBackFromJSON(t *testing.T) {
	t.Parallel()
	full := with(func(s *oauth2.Settings) {
		s.Issuer, s.Grant, s.Revocation, s.ScopeSeparator, s.ScopeParam = "https://id.example.com", oauth2.GrantClientCredentials, oauth2.RevokeBearer, ",", "user_scope"
		s.PKCE, s.ClientAuth, s.AssertionAudience, s.TokenPath = oauth2.PKCENone, oauth2.PrivateKeyJWT, "https://id.example.com/token", "authed_user"
	})
	for _, s := range []oauth2.Settings{full, valid(), {}, oauth2.Microsoft("common", "User.Read"), oauth2.SlackUser("chat:write")} {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back oauth2.Settings
		if err := json.Unmarshal(text, &back); err != nil || !back.Equal(s) || !s.Equal(back) {
			t.Errorf("%s comes back as another one, %v", text, err)
		}
	}
	if text, _ := json.Marshal(oauth2.Settings{}); string(text) != "{}" {
		t.Errorf("empty settings are %s", text)
	}
	if !(oauth2.Settings{Scopes: []string{}}).Equal(oauth2.Settings{AuthParams: map[string]string{}}) {
		t.Error("nothing and an empty list are different")
	}
}

func TestSettingsThatDifferInOneFieldAreNotEqual(t *testing.T) {
	t.Parallel()
	var all map[string]any
	text, err := json.Marshal(with(func(s *oauth2.Settings) {
		s.Issuer, s.Grant, s.Revocation, s.ScopeSeparator, s.ScopeParam = "i", "g", "r", "s", "p"
		s.PKCE, s.ClientAuth, s.AssertionAudience, s.TokenPath = "k", "c", "a", "t"
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 18 {
		t.Fatalf("%d fields have a value here; has one been added to Settings?", len(all))
	}
	var same oauth2.Settings
	_ = json.Unmarshal(text, &same)
	for name := range all {
		less := map[string]any{}
		for other, value := range all {
			if other != name {
				less[other] = value
			}
		}
		text, _ := json.Marshal(less)
		var s oauth2.Settings
		if err := json.Unmarshal(text, &s); err != nil || s.Equal(same) {
			t.Errorf("without %s they are equal, %v", name, err)
		}
	}
}
