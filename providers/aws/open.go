package aws

import (
	"context"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

func init() { core.Register(provider, Opener(Config{})) }

// The keys of a URL beside prefix, which core serves.
const (
	keyProfile      = "profile"
	keyRole         = "role_arn"
	keyExternalID   = "external_id"
	keyKMS          = "kms_key"
	keyTag          = "tag."
	keyEndpoint     = "endpoint"
	keyTLS          = "tls"
	keyConditions   = "conditions"
	keyRecoveryDays = "recovery_days"
	keyRetries      = "retries"
	keyConcurrency  = "concurrency"
)

// Opener returns the opener of aws: URLs with what cfg says in place of the
// defaults. What a URL says goes before cfg. aws: and aws:// take the region from
// the SDK's chain.
func Opener(cfg Config) core.Opener {
	return func(ctx context.Context, u *url.URL) (*core.Store, error) {
		cfg, err := cfg.with(u)
		if err != nil {
			return nil, err
		}
		return New(ctx, cfg)
	}
}

// with returns cfg with what a URL says.
func (cfg Config) with(u *url.URL) (Config, error) {
	for key := range u.Query() {
		name := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, "aws_")), "-", "_")
		switch name {
		case "access_key_id", "secret_access_key", "session_token", "access_key", "secret_key", "token":
			return cfg, invalid("a URL holds no credential; the SDK reads them from the environment, the shared files, a container or an instance")
		}
	}
	keys, err := core.Query(u, keyProfile, keyRole, keyExternalID, keyKMS, keyTag+"*", keyEndpoint, keyTLS, keyConditions, keyRecoveryDays, keyRetries, keyConcurrency)
	if err != nil {
		return cfg, err
	}
	if u.Opaque != "" || strings.Trim(u.Path, "/") != "" {
		return cfg, invalid("the URL is like aws://eu-west-1?prefix=shop/; it has no path, and names begin with the key prefix")
	}
	if u.Host != "" {
		if !isRegion(u.Host) {
			return cfg, invalid("what stands after aws:// is a region, such as eu-west-1; an address goes into the key endpoint")
		}
		cfg.Region = u.Host
	}
	for key, value := range keys {
		if value == "" && !strings.HasPrefix(key, keyTag) {
			return cfg, invalid("the key " + key + " is empty, as when a variable in it is not set; leave it out")
		}
	}
	for key, field := range map[string]*string{
		keyProfile:    &cfg.Profile,
		keyRole:       &cfg.RoleARN,
		keyExternalID: &cfg.ExternalID,
		keyKMS:        &cfg.KMSKey,
		keyEndpoint:   &cfg.Endpoint,
	} {
		if value, ok := keys[key]; ok {
			*field = value
		}
	}
	switch keys[keyTLS] {
	case "":
	case "on":
		cfg.ClearText = false
	case "off":
		cfg.ClearText = true
	default:
		return cfg, invalid("the key tls is on or off")
	}
	if value, ok := keys[keyConditions]; ok {
		if value != string(ConditionsOn) && value != string(ConditionsOff) {
			return cfg, invalid("the key conditions is on or off; left out, it goes by the endpoint")
		}
		cfg.Conditions = Conditions(value)
	}
	for _, number := range []struct {
		key         string
		field       *int
		least, most int
		hint        string
	}{
		{keyRecoveryDays, &cfg.RecoveryDays, 7, 30, "the key recovery_days is a number of days, 7 to 30"},
		{keyRetries, &cfg.Retries, 0, 20, "the key retries is how often a request is sent again, 0 to 20"},
		{keyConcurrency, &cfg.Concurrency, 1, 1024, "the key concurrency is a number of requests, 1 to 1024"},
	} {
		text, ok := keys[number.key]
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < number.least || n > number.most {
			return cfg, invalid(number.hint)
		}
		if number.key == keyRetries && n == 0 {
			n = -1
		}
		*number.field = n
	}
	cfg.Tags = maps.Clone(cfg.Tags)
	for key, value := range keys {
		name, ok := strings.CutPrefix(key, keyTag)
		if !ok {
			continue
		}
		if name == "" {
			return cfg, invalid("a tag has a name, as in tag.team=shop")
		}
		if cfg.Tags == nil {
			cfg.Tags = map[string]string{}
		}
		cfg.Tags[name] = value
	}
	return cfg, nil
}

func isRegion(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != "" && strings.Contains(s, "-")
}
