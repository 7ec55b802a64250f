package aws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
	"github.com/lukko-dev/lukko/core"
)

// metadataLimit bounds a question to the instance metadata service, which is on
// the same machine or not there at all. The SDK's own way takes many seconds to
// find that out.
const metadataLimit = 2 * time.Second

// metadata is the SDK's client of the instance metadata service, with limits. It
// is given to the loading, and made of what that finds.
type metadata struct{ client atomic.Pointer[imds.Client] }

func (m *metadata) use(o *ec2rolecreds.Options) {
	if o.Client == nil {
		o.Client = m
	}
}

func (m *metadata) connect(loaded sdk.Config) {
	m.client.Store(imds.NewFromConfig(loaded, func(o *imds.Options) {
		o.Retryer = retry.AddWithMaxAttempts(retry.NewStandard(), 2)
	}))
}

// GetMetadata implements ec2rolecreds.GetMetadataAPIClient.
func (m *metadata) GetMetadata(ctx context.Context, in *imds.GetMetadataInput, opts ...func(*imds.Options)) (*imds.GetMetadataOutput, error) {
	client := m.client.Load()
	if client == nil {
		return nil, errors.New("the instance metadata service was asked too early")
	}
	ctx, cancel := context.WithTimeout(ctx, metadataLimit)
	defer cancel()
	out, err := client.GetMetadata(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	// The content is read under the limit too.
	content, err := readSmall(out.Content)
	if err != nil {
		return nil, err
	}
	out.Content = content
	return out, nil
}

// chain is where credentials come from; what fails there is told apart from what
// fails in the service.
type chain struct{ next sdk.CredentialsProvider }

func (c chain) Retrieve(ctx context.Context) (sdk.Credentials, error) {
	credentials, err := c.next.Retrieve(ctx)
	if err != nil {
		return credentials, &credentialsError{c.fault(err)}
	}
	return credentials, nil
}

// credentialsError is of a request that was not even signed.
type credentialsError struct{ err *core.Error }

func (e *credentialsError) Error() string { return e.err.Error() }

func (c chain) fault(err error) *core.Error {
	sources := c.sources()
	e := &core.Error{Kind: core.ErrUnauthenticated}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code = safeCode(api.ErrorCode())
	}
	e.RequestID = requestID(err)
	if slices.Contains(sources, sdk.CredentialSourceIMDS) {
		e.Hint = "no credentials: tried AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE, the profile of the shared files, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI, and the instance metadata service, which gave none; set one of them, or name a profile"
		return e
	}
	var names []string
	for _, source := range sources {
		if name := sourceNames[source]; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	tried := "the SDK's chain"
	if len(names) > 0 {
		tried = strings.Join(names, ", then ")
	}
	if status := statusOf(err); status >= 500 || status == 0 && unreachable(err) {
		e.Kind = core.ErrUnavailable
		e.Hint = "the service that gives credentials can't be reached; tried " + tried
		return e
	}
	e.Hint = "no credentials from " + tried + "; look at whether the login has ended, and at the trust policy of a role"
	return e
}

// unreachable reports whether an error is of a network. The number of a failed
// system call looks like one, also where it is of a file that isn't there.
func unreachable(err error) bool {
	var (
		network net.Error
		file    *fs.PathError
	)
	return errors.As(err, &network) && !errors.As(err, &file)
}

func (c chain) sources() []sdk.CredentialSource {
	if s, ok := c.next.(sdk.CredentialProviderSource); ok {
		return s.ProviderSources()
	}
	return nil
}

// sourceNames are for people.
var sourceNames = map[sdk.CredentialSource]string{
	sdk.CredentialSourceEnvVars:              "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
	sdk.CredentialSourceEnvVarsSTSWebIDToken: "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN",
	sdk.CredentialSourceSTSAssumeRole:        "the role to assume",
	sdk.CredentialSourceSTSAssumeRoleWebID:   "the role to assume by a web identity",
	sdk.CredentialSourceProfile:              "the keys of the profile",
	sdk.CredentialSourceProfileSourceProfile: "the source_profile of the profile",
	sdk.CredentialSourceProfileNamedProvider: "the credential_source of the profile",
	sdk.CredentialSourceProfileSTSWebIDToken: "the web identity of the profile",
	sdk.CredentialSourceProfileSSO:           "the SSO session of the profile (aws sso login)",
	sdk.CredentialSourceSSO:                  "the SSO session of the profile (aws sso login)",
	sdk.CredentialSourceProfileSSOLegacy:     "the SSO session of the profile (aws sso login)",
	sdk.CredentialSourceSSOLegacy:            "the SSO session of the profile (aws sso login)",
	sdk.CredentialSourceProfileProcess:       "the credential_process of the profile",
	sdk.CredentialSourceProcess:              "the credential_process of the profile",
	sdk.CredentialSourceHTTP:                 "the container's AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI",
	sdk.CredentialSourceProfileLogin:         "the session of aws login",
	sdk.CredentialSourceLogin:                "the session of aws login",
}

// maxMetadata bounds what the instance metadata service answers.
const maxMetadata = 64 << 10

// readSmall reads a small body to its end, and closes it.
func readSmall(body io.ReadCloser) (io.ReadCloser, error) {
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, maxMetadata))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}
