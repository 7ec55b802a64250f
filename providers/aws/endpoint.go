package aws

import (
	"net"
	"net/url"
	"strings"
)

// checkEndpoint checks a URL that stands in for the region's endpoint.
func checkEndpoint(endpoint string, clearText bool) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return invalid("the endpoint does not parse; it is like https://secretsmanager.eu-west-1.amazonaws.com, from the URL, AWS_ENDPOINT_URL_SECRETS_MANAGER or AWS_ENDPOINT_URL")
	case u.User != nil:
		return invalid("the endpoint holds a user or password; credentials come from the environment or from files")
	case u.Scheme == "http" && !clearText && !loopback(u.Hostname()):
		return invalid("the endpoint speaks no TLS, so that values would cross the network in clear text; say https://, or allow it by tls=off")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// isAWS reports whether an endpoint is one of AWS's own, of any partition. An
// empty one is the region's.
func isAWS(endpoint string) bool {
	if endpoint == "" {
		return true
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	for _, domain := range []string{"amazonaws.com", "amazonaws.com.cn", "api.aws", "api.amazonwebservices.com.cn", "amazonaws.eu", "c2s.ic.gov", "sc2s.sgov.gov", "cloud.adc-e.uk", "csp.hci.ic.gov"} {
		if strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}
