package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/lukko-dev/lukko/core"
)

const provider = "aws"

const (
	// DefaultConcurrency is how many requests a store has in flight at most,
	// and so how many connections it opens.
	DefaultConcurrency = 64

	// DefaultTimeout is how long one request may take with all its attempts.
	DefaultTimeout = 60 * time.Second
)

// Conditions says whether writes may be conditional.
type Conditions string

// The values of Conditions.
const (
	// ConditionsAuto claims them where the endpoint is one of AWS's own.
	ConditionsAuto Conditions = ""
	// ConditionsOn claims them: what stands at the endpoint is AWS behind a proxy,
	// or a stand-in that holds to the reference. A Set then also trusts that it
	// refuses to write to a deleted secret.
	ConditionsOn Conditions = "on"
	// ConditionsOff never claims them.
	ConditionsOff Conditions = "off"
)

// Config says which region, which credentials, and what new secrets get. Its
// zero value is what the SDK's own loading says: the environment, the shared
// files, containers and instances.
type Config struct {
	// Region, such as eu-west-1. Empty: the SDK's chain, which is AWS_REGION,
	// AWS_DEFAULT_REGION, then the profile.
	Region string

	// Profile of the shared files. Empty: AWS_PROFILE, then "default".
	Profile string

	// RoleARN is a role to assume with the credentials that were found, and
	// ExternalID what it may ask for beside them.
	RoleARN, ExternalID string

	// KMSKey encrypts new secrets: a key id, alias or ARN. Empty: the service's
	// own aws/secretsmanager.
	KMSKey string

	// Tags are put on new secrets.
	Tags map[string]string

	// Endpoint is a URL to use in place of the region's. It goes before
	// AWS_ENDPOINT_URL_SECRETS_MANAGER, and that before AWS_ENDPOINT_URL. Without
	// TLS it must be on loopback, unless ClearText is set.
	Endpoint string

	// ClearText allows an endpoint without TLS that is not on loopback.
	ClearText bool

	// Conditions says whether IfAbsent and IfVersion are claimed.
	Conditions Conditions

	// RecoveryDays is for how long a deleted secret can be restored: 7 to 30.
	// 0: the service's default, 30.
	RecoveryDays int

	// Retries is how often a request is sent again, beyond the first attempt,
	// after a failure that may pass. 0: one less than the SDK's own attempts,
	// which AWS_MAX_ATTEMPTS and the profile set, and so 2. Negative: none.
	Retries int

	// Concurrency is how many requests are in flight at most. 0:
	// DefaultConcurrency.
	Concurrency int

	// Timeout bounds one request with all its attempts. 0: DefaultTimeout.
	Timeout time.Duration

	// Client, if set, is a client of the caller's whose settings are used in
	// place of loaded ones. Region, Profile, RoleARN, Endpoint and Load must be
	// empty then.
	Client *secretsmanager.Client

	// Load are options of the SDK's loading, after those of this package.
	Load []func(*config.LoadOptions) error
}

// Format prints the settings for every verb, and no credentials that a Client
// or an option might hold.
func (cfg Config) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "{Region:%q Profile:%q RoleARN:%q KMSKey:%q Tags:%q Endpoint:%q ClearText:%t Conditions:%q RecoveryDays:%d Retries:%d Concurrency:%d Timeout:%v ExternalID:%t Client:%t Load:%d}",
		cfg.Region, cfg.Profile, cfg.RoleARN, cfg.KMSKey, slices.Sorted(maps.Keys(cfg.Tags)), cfg.Endpoint, cfg.ClearText, cfg.Conditions,
		cfg.RecoveryDays, cfg.Retries, cfg.Concurrency, cfg.Timeout, cfg.ExternalID != "", cfg.Client != nil, len(cfg.Load))
}

// New returns a store over AWS Secrets Manager. It asks nothing of the service:
// the first call does. What is wrong in cfg, the environment or the shared files
// is an error that matches core.ErrInvalidOption. ctx bounds the loading only.
func New(ctx context.Context, cfg Config) (*core.Store, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	client, err := cfg.client(ctx)
	if err != nil {
		return nil, err
	}
	b, err := newBackend(cfg, client)
	if err != nil {
		return nil, err
	}
	return core.New(provider, b), nil
}

func (cfg Config) check() error {
	switch {
	case cfg.RecoveryDays != 0 && (cfg.RecoveryDays < 7 || cfg.RecoveryDays > 30):
		return invalid("the recovery window is 7 to 30 days, or 0 for the service's default")
	case cfg.Concurrency < 0:
		return invalid("the number of concurrent requests is negative")
	case cfg.Timeout < 0:
		return invalid("the time limit of a request is negative")
	case cfg.ExternalID != "" && cfg.RoleARN == "":
		return invalid("an external id goes with a role to assume")
	case cfg.Conditions != ConditionsAuto && cfg.Conditions != ConditionsOn && cfg.Conditions != ConditionsOff:
		return invalid("conditions are on or off, or left out to go by the endpoint")
	case cfg.Client != nil && (cfg.Region != "" || cfg.Profile != "" || cfg.RoleARN != "" || cfg.Endpoint != "" || len(cfg.Load) > 0):
		return invalid("a Client brings its own region, credentials and endpoint; Region, Profile, RoleARN, Endpoint and Load must be empty beside it")
	case len(cfg.Tags) > 50:
		return invalid("a secret has at most 50 tags")
	}
	if cfg.Endpoint != "" {
		return checkEndpoint(cfg.Endpoint, cfg.ClearText)
	}
	return nil
}

// client loads what the SDK loads.
func (cfg Config) client(ctx context.Context) (*secretsmanager.Client, error) {
	if cfg.Client != nil {
		return cfg.Client, nil
	}
	meta := &metadata{}
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(credentialsHTTPClient()),
		config.WithLogger(logging.Nop{}), // else the SDK writes to standard error
		config.WithEC2RoleCredentialOptions(meta.use),
	}
	if cfg.Region != "" {
		load = append(load, config.WithRegion(cfg.Region))
	}
	if cfg.Profile != "" {
		load = append(load, config.WithSharedConfigProfile(cfg.Profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, append(load, cfg.Load...)...)
	if err != nil {
		return nil, loadFault(ctx, err)
	}
	if loaded.Region == "" {
		return nil, invalid("no region: the URL names none, as in aws://eu-west-1, AWS_REGION and AWS_DEFAULT_REGION are not set, and the profile of the shared files has none")
	}
	meta.connect(loaded)
	if cfg.RoleARN != "" {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(loaded), cfg.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			if cfg.ExternalID != "" {
				o.ExternalID = sdk.String(cfg.ExternalID)
			}
		})
		loaded.Credentials = sdk.NewCredentialsCache(role)
	}
	return secretsmanager.NewFromConfig(loaded, func(o *secretsmanager.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = sdk.String(cfg.Endpoint)
		}
	}), nil
}

// loadFault is the error of a loading that failed. The SDK's texts quote the
// shared files, so none is kept.
func loadFault(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	var (
		noProfile config.SharedConfigProfileNotExistError
		noMFA     config.AssumeRoleTokenProviderNotSetError
		unread    config.SharedConfigLoadError
		half      config.CredentialRequiresARNError
	)
	switch {
	case errors.As(err, &noProfile):
		return invalid("the profile is not in the shared files; look at the key profile, at AWS_PROFILE, and at AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE")
	case errors.As(err, &noMFA):
		return invalid("the profile asks for a one-time code (mfa_serial), which a program can't give; use a session that was made with it")
	case errors.As(err, &half):
		return invalid("the profile names a source of credentials for a role, and no role_arn")
	case errors.As(err, &unread):
		return invalid("the shared files can't be read; look at AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE")
	}
	return invalid("the SDK can't load its settings; look at the AWS_ variables of the environment, at the profile, and at the file of AWS_CA_BUNDLE")
}

func (cfg Config) tags() []types.Tag {
	var tags []types.Tag
	for _, name := range slices.Sorted(maps.Keys(cfg.Tags)) {
		tags = append(tags, types.Tag{Key: sdk.String(name), Value: sdk.String(cfg.Tags[name])})
	}
	return tags
}

func invalid(hint string) error {
	return &core.Error{Op: "open", Provider: provider, Kind: core.ErrInvalidOption, Hint: hint}
}
