package hosts_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

func TestASetAllowsItsHosts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern    string
		yes, never []string
	}{
		{
			"api.example.com",
			[]string{
				"https://api.example.com", "https://api.example.com/", "https://api.example.com/v1?a=b#c", "https://API.Example.COM/",
				"https://api.example.com:443/", "https://api.example.com:/", "https://api.example.com./", "https://api.example.com.:443/",
				"https://user:password@api.example.com/",
			},
			[]string{
				"http://api.example.com/", "http://api.example.com:443/", "https://api.example.com:8443/", "https://api.example.com:80/",
				"https://api.example.com:0443/",
				"https://example.com/", "https://x.api.example.com/", "https://xapi.example.com/", "https://api.example.com.evil.test/",
				"https://api.example.comx/", "https://api.example.co/", "https://api.example.com@evil.test/", "https://api.example.com../",
				"https://evil.test/api.example.com", "https://evil.test/?api.example.com", "https://evil.test#api.example.com",
				"ftp://api.example.com/", "wss://api.example.com/", "//api.example.com/", "api.example.com", "https:api.example.com", "https:///",
			},
		},
		{
			"API.Example.Com.:8443",
			[]string{"https://api.example.com:8443/", "https://api.example.com.:8443/"},
			[]string{"https://api.example.com/", "https://api.example.com:443/", "http://api.example.com:8443/", "https://api.example.com:18443/"},
		},
		{"api.example.com:443", []string{"https://api.example.com/", "https://api.example.com:443/"}, []string{"https://api.example.com:444/"}},
		{"api.example.com:80", []string{"https://api.example.com:80/"}, []string{"http://api.example.com/", "http://api.example.com:80/", "https://api.example.com/"}},
		{
			"*.example.com",
			[]string{"https://a.example.com/", "https://a.b.c.Example.com/", "https://a.example.com.:443/", "https://x_y.example.com/", "https://example.com.example.com/"},
			[]string{
				"https://example.com/", "https://.example.com/", "https://evilexample.com/", "https://a.example.com.evil.test/", "http://a.example.com/",
				"https://a.example.com:8443/", "https://a..example.com/", "https://*.example.com/", "https://a-.example.com/", "https://-a.example.com/",
				"https://a.example.com../", "https://xa.example-com/", "https://evil.test%2F.example.com/",
			},
		},
		{"*.example.com:8443", []string{"https://a.example.com:8443/"}, []string{"https://a.example.com/", "https://example.com:8443/"}},
		{
			"slack.com",
			[]string{"https://SLACK.COM/"},
			// A long s and a Kelvin sign, which fold to s and k; a full-width l, which IDNA makes an l.
			[]string{"https://\u017flack.com/", "https://slac\u212a.com/", "https://s\uff4cack.com/", "https://slack\u3002com/"},
		},
		{"xn--bcher-kva.example", []string{"https://xn--bcher-kva.example/", "https://XN--BCHER-KVA.example"}, []string{"https://bücher.example/"}},
		{
			"localhost",
			[]string{"http://localhost/", "http://localhost:8080/", "https://localhost/", "https://localhost:8443/", "http://LOCALHOST.:80/"},
			[]string{"http://localhost.example.com/", "http://x.localhost/", "http://127.0.0.1/", "http://[::1]/", "ftp://localhost/"},
		},
		{"localhost:8080", []string{"http://localhost:8080/", "https://localhost:8080/"}, []string{"http://localhost/", "http://localhost:8081/"}},
		{"localhost:80", []string{"http://localhost/", "http://localhost:80/", "https://localhost:80"}, []string{"https://localhost/", "http://localhost:443"}},
		{"127.0.0.1", []string{"http://127.0.0.1:1/", "https://127.0.0.1/"}, []string{"http://127.0.0.2/", "http://127.1/", "http://2130706433/", "http://127.0.0.1./", "http://[::ffff:127.0.0.1]/"}},
		{"127.255.0.3", []string{"http://127.255.0.3/"}, []string{"http://127.0.0.3/"}},
		{"192.0.2.1", []string{"https://192.0.2.1/"}, []string{"http://192.0.2.1/", "https://192.0.2.1:8443/", "https://192.0.2.10/"}},
		{"[::1]", []string{"http://[::1]:8080/", "https://[::1]/", "http://[0:0:0:0:0:0:0:1]/"}, []string{"http://[::2]/", "http://[::1%25lo]/", "http://localhost/"}},
		{"[::1]:8080", []string{"http://[::1]:8080/"}, []string{"http://[::1]/"}},
		{"[2001:DB8:0::1]:8443", []string{"https://[2001:db8::1]:8443/"}, []string{"https://[2001:db8::1]/", "http://[2001:db8::1]:8443/", "https://[2001:db8::1%25x]:8443/"}},
		{"x.localhost", []string{"https://x.localhost/"}, []string{"http://x.localhost/", "https://x.localhost:8443/"}},
		{"127.example.com", []string{"https://127.example.com/"}, []string{"http://127.example.com/"}},
		{"vault", []string{"https://vault/"}, []string{"https://vault.example.com/", "http://vault/"}},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			set, err := hosts.Parse([]string{"other.test", tt.pattern, "[2001:db8::ffff]"})
			if err != nil {
				t.Fatal(err)
			}
			for _, raw := range tt.yes {
				u, err := url.Parse(raw)
				if err != nil {
					t.Fatal(err)
				}
				if !set.Allows(u) {
					t.Errorf("%s is not allowed", raw)
				}
			}
			for _, raw := range tt.never {
				u, err := url.Parse(raw)
				if err != nil {
					continue // nothing can be sent there
				}
				if set.Allows(u) {
					t.Errorf("%s is allowed", raw)
				}
			}
		})
	}
}

func TestAURLMadeByHandDoesNotDeceiveASet(t *testing.T) {
	t.Parallel()
	set, err := hosts.Parse([]string{"api.example.com", "*.example.com", "[::1]", "localhost", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	for name, u := range map[string]*url.URL{
		"nil":                          nil,
		"zero":                         {},
		"no host":                      {Scheme: "https"},
		"an opaque part":               {Scheme: "https", Host: "api.example.com", Opaque: "//evil.test/"},
		"an opaque part, loopback":     {Scheme: "http", Host: "localhost", Opaque: "//evil.test/"},
		"a user in the host":           {Scheme: "https", Host: "evil.test@api.example.com"},
		"a fragment in the host":       {Scheme: "https", Host: "evil.test#.example.com"},
		"a path in the host":           {Scheme: "https", Host: "evil.test/.example.com"},
		"a line in the host":           {Scheme: "https", Host: "evil.test\r\n.example.com"},
		"a space in the host":          {Scheme: "https", Host: " api.example.com"},
		"a NUL in the host":            {Scheme: "https", Host: "api.example.com\x00"},
		"two ports":                    {Scheme: "https", Host: "api.example.com:443:443"},
		"a name for a port":            {Scheme: "https", Host: "api.example.com:https"},
		"a name in brackets":           {Scheme: "https", Host: "[api.example.com]"},
		"an IPv6 address, no brackets": {Scheme: "http", Host: "::1"},
		"an IPv4 address in brackets":  {Scheme: "http", Host: "[127.0.0.1]"},
		"a bracket that stays open":    {Scheme: "http", Host: "[::1"},
		"a scheme in upper case":       {Scheme: "HTTPS", Host: "api.example.com"}, // which net/http refuses as well
		"a label of 64 bytes":          {Scheme: "https", Host: strings.Repeat("a", 64) + ".example.com"},
		"a name of 254 bytes":          {Scheme: "https", Host: "aa." + strings.Repeat("a.", 120) + "example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if set.Allows(u) {
				t.Error("it is allowed")
			}
		})
	}
	longest := &url.URL{Scheme: "https", Host: strings.Repeat("a", 63) + "." + strings.Repeat("a.", 89) + "example.com"}
	if len(longest.Host) != 253 || !set.Allows(longest) {
		t.Errorf("a name of %d bytes is not allowed", len(longest.Host))
	}
}

func TestAnEmptySetAllowsNothing(t *testing.T) {
	t.Parallel()
	made, err := hosts.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []hosts.Set{made, {}} {
		if !set.Empty() {
			t.Error("Empty is false")
		}
		for _, raw := range []string{"https://api.example.com/", "http://localhost/", "https:///", ""} {
			u, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if set.Allows(u) {
				t.Errorf("%q is allowed", raw)
			}
		}
	}
	if set, err := hosts.Parse([]string{"localhost"}); err != nil || set.Empty() {
		t.Errorf("a set with a host is empty, or not made: %v", err)
	}
}

func TestParseRefusesWhatIsNoHost(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":                              "is empty",
		" ":                             "no host name",
		".":                             "no host name",
		"*":                             "too wide",
		"*.":                            "too wide",
		"*.*":                           "too wide",
		"*.com":                         "too wide",
		"*.com.":                        "too wide",
		"*.localhost":                   "too wide",
		"*example.com":                  "too wide",
		"*:443":                         "too wide",
		"**.example.com":                "too wide",
		"*.*.example.com":               "no host name",
		"a.*.example.com":               "no host name",
		"a*.example.com":                "no host name",
		"*..example.com":                "no host name",
		"*.0.0.1":                       "ends in a number",
		"*.127.0.0.1":                   "ends in a number",
		"https://api.example.com":       "a scheme",
		"api.example.com/":              "a path",
		"api.example.com/v1":            "a path",
		`api.example.com\v1`:            "a path",
		"api.example.com?a":             "a path",
		"api.example.com#a":             "a path",
		"user:hunter2@example.com":      "a user name",
		"hunter2 .example.com":          "no host name",
		".example.com":                  "no host name",
		"a..example.com":                "no host name",
		"example.com..":                 "no host name",
		"-a.example.com":                "no host name",
		"a-.example.com":                "no host name",
		"example.com-":                  "no host name",
		"a\n.example.com":               "no host name",
		"%41.example.com":               "no host name",
		"a,b.example.com":               "no host name",
		"bücher.example":                "xn--",
		"\u017flack.com":                "xn--",
		"\xff.example.com":              "xn--",
		strings.Repeat("a", 64):         "too long",
		strings.Repeat("a.", 127) + "a": "too long",
		"api.example.com:":              "a port",
		"api.example.com:0":             "a port",
		"api.example.com:0443":          "a port",
		"api.example.com:65536":         "a port",
		"api.example.com:+1":            "a port",
		"api.example.com:https":         "a port",
		"api.example.com:*":             "a port",
		":443":                          "no host name",
		"127.1":                         "ends in a number",
		"0x7f.1":                        "ends in a number",
		"127.0.0.0x1":                   "ends in a number",
		"127.0.0.01":                    "ends in a number",
		"127.0.0.1.":                    "ends in a number",
		"2130706433":                    "ends in a number",
		"0x7f000001":                    "ends in a number",
		"256.0.0.1":                     "ends in a number",
		"1.2.3.4.5":                     "ends in a number",
		"::1":                           "in brackets",
		"2001:db8::1":                   "in brackets",
		"[::1":                          "isn't closed",
		"[]":                            "no IPv6 address",
		"[127.0.0.1]":                   "no IPv6 address",
		"[api.example.com]":             "no IPv6 address",
		"[::1]x":                        "other than a port",
		"[::1]:":                        "a port",
		"[::1]:0":                       "a port",
		"[fe80::1%eth0]":                "a zone",
		"[::ffff:127.0.0.1]":            "an IPv4 address",
		"*.[::1]":                       "in brackets",
		"api.example.com,other.test":    "no host name",
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			set, err := hosts.Parse([]string{"good.example.com", pattern})
			if err == nil {
				t.Fatal("it is taken")
			}
			if !set.Empty() {
				t.Error("a set is returned beside the error")
			}
			if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "host 2 ") {
				t.Errorf("the error is %q, and should be about host 2 and say %q", err, want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error quotes the pattern: %q", err)
			}
		})
	}
}

func TestParseTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := hosts.Parse([]string{"*", "good.example.com", "a/b", ""})
	if err == nil {
		t.Fatal("they are taken")
	}
	got := strings.Split(err.Error(), "; ")
	if len(got) != 3 || !strings.HasPrefix(got[0], "host 1 ") || !strings.HasPrefix(got[1], "host 3 ") || !strings.HasPrefix(got[2], "host 4 ") {
		t.Errorf("the error is %q, and should be about hosts 1, 3 and 4", err)
	}
}

func TestPatternsHaveOneSpelling(t *testing.T) {
	t.Parallel()
	set, err := hosts.Parse([]string{"API.example.com.", "*.Example.com:8443", "[2001:DB8:0:0::1]", "[::1]:80", "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"api.example.com", "*.example.com:8443", "[2001:db8::1]", "[::1]:80", "127.0.0.1:1"}
	if got := set.Patterns(); !slices.Equal(got, want) {
		t.Errorf("the patterns are %q, and should be %q", got, want)
	}
	if got, want := set.String(), strings.Join(want, ", "); got != want {
		t.Errorf("the set prints as %q, and should as %q", got, want)
	}
}
