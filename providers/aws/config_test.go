package aws_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// environment is that of a fake, and nothing of this machine's.
func environment(t *testing.T, fake *awstest.Server, more map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range fake.Settings().Env() {
		t.Setenv(name, value)
	}
	for name, value := range more {
		t.Setenv(name, value)
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheRegionIsThatOfTheURLThenOfTheChain(t *testing.T) {
	profile := "[default]\nregion = us-east-1\n[profile away]\nregion = ap-south-1\n[profile none]\noutput = json\n"
	for _, c := range []struct {
		name, url string
		env       map[string]string
		region    string // of the fake that understands it; empty: there is none
	}{
		{"the URL before the environment", "aws://eu-west-1", map[string]string{"AWS_REGION": "us-east-1"}, "eu-west-1"},
		{"the environment", "aws:", map[string]string{"AWS_REGION": "eu-west-1"}, "eu-west-1"},
		{"the environment, with slashes", "aws://", map[string]string{"AWS_REGION": "eu-west-1"}, "eu-west-1"},
		{"the older variable", "aws:", map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"},
		{"the profile", "aws:", map[string]string{"AWS_REGION": "", "AWS_PROFILE": "away", "AWS_CONFIG_FILE": file(t, profile)}, "ap-south-1"},
		{"the profile of the URL", "aws:?profile=away", map[string]string{"AWS_REGION": "", "AWS_CONFIG_FILE": file(t, profile), "AWS_SHARED_CREDENTIALS_FILE": file(t, "[away]\naws_access_key_id=KEY\naws_secret_access_key=SECRET\n")}, "ap-south-1"},
		{"none", "aws:", map[string]string{"AWS_REGION": ""}, ""},
		{"a profile without one", "aws:", map[string]string{"AWS_REGION": "", "AWS_PROFILE": "none", "AWS_CONFIG_FILE": file(t, profile)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := awstest.New(t, func(a *awstest.Config) {
				a.Region = c.region
				if strings.Contains(c.url, "profile") {
					a.Keys = []awstest.Key{{ID: "KEY", Secret: "SECRET"}}
				}
			})
			environment(t, fake, c.env)
			store, err := core.Open(t.Context(), c.url)
			if c.region == "" {
				if !errors.Is(err, core.ErrInvalidOption) || !strings.Contains(err.Error(), "AWS_REGION") || !strings.Contains(err.Error(), "profile") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			set(t, store, "key", "value")
			want(t, store, "key", "value")
		})
	}
}

func TestTheOwnVariableOfTheEndpointGoesBeforeTheCommonOneAndCodeBeforeBoth(t *testing.T) {
	fake := awstest.New(t)
	nowhere := "http://127.0.0.1:1"
	for _, c := range []struct {
		name, url string
		env       map[string]string
	}{
		{"the service's own", "aws:", map[string]string{"AWS_ENDPOINT_URL": nowhere}},
		{"the common one", "aws:", map[string]string{"AWS_ENDPOINT_URL_SECRETS_MANAGER": "", "AWS_ENDPOINT_URL": fake.URL()}},
		{"the URL", "aws:?endpoint=" + fake.URL(), map[string]string{"AWS_ENDPOINT_URL_SECRETS_MANAGER": nowhere, "AWS_ENDPOINT_URL": nowhere}},
	} {
		t.Run(c.name, func(t *testing.T) {
			environment(t, fake, c.env)
			store, err := core.Open(t.Context(), c.url)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			set(t, store, "key", "value")
		})
	}
	t.Run("one in clear text that is not here", func(t *testing.T) {
		environment(t, fake, map[string]string{"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://stand-in.example.com"})
		if _, err := core.Open(t.Context(), "aws:"); !errors.Is(err, core.ErrInvalidOption) || !strings.Contains(err.Error(), "tls=off") {
			t.Errorf("%v", err)
		}
	})
}

// Nothing answers where the metadata service of an instance would be.
func TestWithoutInstanceMetadataTheErrorComesSoonAndSaysWhatWasTried(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // connections are taken by the system, and never answered
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	for name, endpoint := range map[string]string{
		"a black hole":       "http://" + silent.Addr().String(),
		"nobody there":       "http://" + refusing.Addr().String(),
		"an address of none": "http://192.0.2.1", // TEST-NET-1, RFC 5737
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, awstest.New(t), map[string]string{
				"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint,
			})
			start := time.Now()
			store, err := core.Open(t.Context(), "aws:")
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			_, err = store.Get(t.Context(), "key")
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			if !errors.Is(err, core.ErrUnauthenticated) {
				t.Errorf("%v", err)
			}
			for _, tried := range []string{"AWS_ACCESS_KEY_ID", "profile", "AWS_CONTAINER_CREDENTIALS", "AWS_WEB_IDENTITY_TOKEN_FILE", "instance metadata"} {
				if !strings.Contains(err.Error(), tried) {
					t.Errorf("the error does not name %s: %v", tried, err)
				}
			}
			_, err = store.Set(t.Context(), "key", core.String("v"))
			if !errors.Is(err, core.ErrUnauthenticated) {
				t.Errorf("a write, which was not even signed: %v", err)
			}
		})
	}
}

// sts answers as the service of roles does.
type sts struct {
	mu     sync.Mutex
	asked  []url.Values
	key    awstest.Key
	refuse bool
}

func (s *sts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, form)
	if s.refuse {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not `+form.Get("RoleArn")+`</Message></Error></ErrorResponse>`)
		return
	}
	action := form.Get("Action")
	fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
		action, s.key.ID, s.key.Secret, s.key.SessionToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func TestARoleIsAssumedWithItsExternalID(t *testing.T) {
	role := awstest.Key{ID: "ASIAROLE000000000000", Secret: "role", SessionToken: "session"}
	fake := awstest.New(t, func(c *awstest.Config) { c.Keys = []awstest.Key{role} })
	s := &sts{key: role}
	srv := httptest.NewServer(s)
	defer srv.Close()
	environment(t, fake, map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own", "AWS_SESSION_TOKEN": "", "AWS_ENDPOINT_URL_STS": srv.URL,
	})
	store, err := core.Open(t.Context(), "aws:?role_arn=arn:aws:iam::444455556666:role/reader&external_id=shop-1")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	set(t, store, "key", "value")
	want(t, store, "key", "value")
	if len(s.asked) != 1 || s.asked[0].Get("RoleArn") != "arn:aws:iam::444455556666:role/reader" || s.asked[0].Get("ExternalId") != "shop-1" {
		t.Errorf("asked %d times for another role", len(s.asked))
	}

	s.refuse = true
	denied, err := core.Open(t.Context(), "aws:?role_arn=arn:aws:iam::444455556666:role/"+providertest.Canary())
	if err != nil {
		t.Fatal(err)
	}
	defer denied.Close()
	_, err = denied.Get(t.Context(), "key")
	if !errors.Is(err, core.ErrUnauthenticated) || !strings.Contains(err.Error(), "AccessDenied") || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a role that is refused: %v", err)
	}
	srv.Close()
	gone, err := core.Open(t.Context(), "aws:?role_arn=arn:aws:iam::444455556666:role/reader")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if _, err = gone.Get(t.Context(), "key"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("no service of roles: %v", err)
	}
}

func TestAWebIdentityAndAContainerGiveCredentials(t *testing.T) {
	key := awstest.Key{ID: "ASIAROLE000000000000", Secret: "role", SessionToken: "session"}
	fake := awstest.New(t, func(c *awstest.Config) { c.Keys = []awstest.Key{key} })
	srv := httptest.NewServer(&sts{key: key})
	defer srv.Close()
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`, key.ID, key.Secret, key.SessionToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer container.Close()
	none := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
	for name, env := range map[string]map[string]string{
		"a web identity": {"AWS_WEB_IDENTITY_TOKEN_FILE": file(t, "token"), "AWS_ROLE_ARN": "arn:aws:iam::444455556666:role/pod", "AWS_ENDPOINT_URL_STS": srv.URL},
		"a container":    {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL},
		"a process": {"AWS_CONFIG_FILE": file(t, `[default]
credential_process = echo '{"Version":1,"AccessKeyId":"`+key.ID+`","SecretAccessKey":"`+key.Secret+`","SessionToken":"`+key.SessionToken+`"}'
`)},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, fake, none)
			for n, v := range env {
				t.Setenv(n, v)
			}
			store, err := core.Open(t.Context(), "aws:")
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			set(t, store, "key", "value")
		})
	}
}

func TestATokenFileThatIsNotThereIsNoOutage(t *testing.T) {
	fake := awstest.New(t)
	environment(t, fake, map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
		"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(t.TempDir(), "none"), "AWS_ROLE_ARN": "arn:aws:iam::444455556666:role/pod",
	})
	store, err := core.Open(t.Context(), "aws:")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Get(t.Context(), "key"); !errors.Is(err, core.ErrUnauthenticated) || !strings.Contains(err.Error(), "AWS_WEB_IDENTITY_TOKEN_FILE") {
		t.Errorf("%v", err)
	}
}

func TestSharedFilesThatAreWrongAreInvalidAndNotQuoted(t *testing.T) {
	fake := awstest.New(t)
	secret := providertest.Canary()
	for name, env := range map[string]map[string]string{
		"no such profile":  {"AWS_PROFILE": secret},
		"a file of no INI": {"AWS_PROFILE": "p", "AWS_CONFIG_FILE": file(t, "[profile p\n"+secret)},
		"a code asked for": {"AWS_PROFILE": "p", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": file(t, "[profile p]\nrole_arn=arn:"+secret+"\nmfa_serial=1\nsource_profile=q\n[profile q]\naws_access_key_id=a\naws_secret_access_key=b\n")},
		"no bundle":        {"AWS_CA_BUNDLE": file(t, secret)},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, fake, env)
			_, err := core.Open(t.Context(), "aws:")
			if !errors.Is(err, core.ErrInvalidOption) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestNewSecretsGetTheKeyAndTheTagsOfTheURL(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	schemes := core.Schemes{"aws": aws.Opener(settings(fake, ""))}
	store, err := schemes.Open(t.Context(), "aws://us-east-1?prefix=shop/&kms_key=alias/shop&tag.team=pay%26go&tag.empty=&recovery_days=7&retries=1&concurrency=4")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	set(t, store, "key", "value")
	set(t, store, "key", "again")
	id := "shop/key"
	out, err := bare(t, fake).DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &id})
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[*tag.Key] = *tag.Value
	}
	if !strings.HasSuffix(sdk.ToString(out.KmsKeyId), "alias/shop") || len(tags) != 2 || tags["team"] != "pay&go" || tags["empty"] != "" {
		t.Errorf("the key %q and the tags %q", sdk.ToString(out.KmsKeyId), tags)
	}
	if err := store.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
}

func TestURLsThatCannotBeMeantAreRefusedAndNotQuoted(t *testing.T) {
	t.Parallel()
	schemes := core.Schemes{"aws": aws.Opener(settings(awstest.New(t), ""))}
	secret := providertest.Canary()
	for _, u := range []string{
		"aws:eu-west-1", "aws://eu-west-1/path", "aws://example.com", "aws://eu-west-1:443", "aws://EU_WEST/",
		"aws://eu-west-1?secret_access_key=" + secret, "aws://eu-west-1?AWS_SESSION_TOKEN=" + secret, "aws://eu-west-1?access-key-id=" + secret,
		"aws://eu-west-1?unknown=" + secret, "aws://eu-west-1?profile=", "aws://eu-west-1?tls=maybe", "aws://eu-west-1?conditions=yes",
		"aws://eu-west-1?recovery_days=6", "aws://eu-west-1?recovery_days=31", "aws://eu-west-1?retries=-1", "aws://eu-west-1?concurrency=0",
		"aws://eu-west-1?tag.=x", "aws://eu-west-1?external_id=" + secret, "aws://eu-west-1?endpoint=http://example.com",
		"aws://eu-west-1?endpoint=https://u:" + secret + "@example.com",
	} {
		store, err := schemes.Open(t.Context(), u)
		if err == nil {
			_ = store.Close()
		}
		if !errors.Is(err, core.ErrInvalidOption) || strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			t.Errorf("%v", err)
		}
	}
}

func TestAClientOfTheCallersIsUsedWithItsSettings(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, aws.Config{Client: bare(t, fake), Conditions: aws.ConditionsOn})
	v := set(t, store, "key", "value")
	set(t, store, "key", "next", core.IfVersion(v))
	want(t, store, "key", "next")
	if _, err := aws.New(t.Context(), aws.Config{Client: bare(t, fake), Region: "eu-west-1"}); !errors.Is(err, core.ErrInvalidOption) {
		t.Errorf("a Client and a Region: %v", err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, aws.Config{Client: bare(t, fake), ExternalID: "hidden"}); strings.Contains(text, "hidden") || strings.Contains(text, fake.Settings().SecretAccessKey) {
			t.Errorf("%s prints a credential", verb)
		}
	}
}

func TestAKeyThatIsRotatedIsReadAnew(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	cfg := settings(fake, "")
	store := open(t, cfg)
	set(t, store, "key", "value")
	fake.SetKeys(awstest.Key{ID: "AKIANEW0000000000000", Secret: "new"})
	if _, err := store.Get(t.Context(), "key"); !errors.Is(err, core.ErrUnauthenticated) {
		t.Errorf("%v", err)
	}
}
