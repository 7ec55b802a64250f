package gcp

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

func init() { core.Register(provider, Opener(Config{})) }

// The keys of a URL beside prefix, which core serves.
const (
	keyLocation     = "location"
	keyEndpoint     = "endpoint"
	keyInsecure     = "insecure"
	keyLatest       = "latest"
	keyKeepVersions = "keep_versions"
	keyReplication  = "replication"
	keyKMSKey       = "kms_key"
	keyConcurrency  = "concurrency"
	keyRetries      = "retries"
	keyTimeout      = "timeout"
)

// Opener returns the opener of gcp: URLs with what cfg says in place of the
// defaults. What a URL says goes before cfg.
//
// gcp://PROJECT is a project by its id or number, and gcp: the one of
// GOOGLE_CLOUD_PROJECT, or else of the credentials.
func Opener(cfg Config) core.Opener {
	return func(_ context.Context, u *url.URL) (*core.Store, error) {
		cfg, err := cfg.with(u)
		if err != nil {
			return nil, err
		}
		return New(cfg)
	}
}

// with returns cfg with what a URL says.
func (cfg Config) with(u *url.URL) (Config, error) {
	keys, err := core.Query(u, keyLocation, keyEndpoint, keyInsecure, keyLatest, keyKeepVersions, keyReplication, keyKMSKey,
		keyConcurrency, keyRetries, keyTimeout)
	if err != nil {
		return cfg, err
	}
	if u.Opaque != "" || strings.Trim(u.Path, "/") != "" {
		return cfg, invalid("the URL is gcp: or gcp://PROJECT, with no path; prefix=… is what ids begin with")
	}
	for key, value := range keys {
		if value == "" {
			return cfg, invalid("the key " + key + " is empty, as when a variable in it is not set; leave it out")
		}
	}
	if u.Host != "" {
		cfg.Project = u.Host
	}
	if location, ok := keys[keyLocation]; ok {
		cfg.Location = location
	}
	if endpoint, ok := keys[keyEndpoint]; ok {
		cfg.Endpoint = endpoint
	}
	if word, ok := keys[keyInsecure]; ok {
		if word != "true" && word != "false" {
			return cfg, invalid("the key insecure is true or false")
		}
		cfg.Insecure, cfg.TLS = word == "true", word == "false"
	}
	if word, ok := keys[keyLatest]; ok {
		if word != "strict" && word != "enabled" {
			return cfg, invalid("the key latest is strict or enabled")
		}
		cfg.StrictLatest = word == "strict"
	}
	if text, ok := keys[keyKeepVersions]; ok {
		count, word, _ := strings.Cut(text, ",")
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || Old(word) != Disable && Old(word) != Destroy {
			return cfg, invalid("the key keep_versions is a number from 1 on and what becomes of older versions, as in 5,disable or 5,destroy")
		}
		cfg.KeepVersions, cfg.OldVersions = n, Old(word)
	}
	if text, ok := keys[keyReplication]; ok {
		cfg.Replication = nil
		if text != "automatic" {
			cfg.Replication = strings.Split(text, ",")
		}
	}
	if text, ok := keys[keyKMSKey]; ok {
		cfg.KMSKeys = strings.Split(text, ",")
	}
	if text, ok := keys[keyConcurrency]; ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1024 {
			return cfg, invalid("the key concurrency is a number of requests, 1 to 1024")
		}
		cfg.Concurrency = n
	}
	if text, ok := keys[keyRetries]; ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 10 {
			return cfg, invalid("the key retries is a number of further attempts, 0 to 10")
		}
		if cfg.Retries = n; n == 0 {
			cfg.Retries = -1
		}
	}
	if text, ok := keys[keyTimeout]; ok {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return cfg, invalid("the key timeout is a time, such as 10s")
		}
		cfg.Timeout = d
	}
	return cfg, nil
}
