package awstest_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// API_CreateSecret, API_GetSecretValue, API_PutSecretValue: the initial version
// gets AWSCURRENT, a put moves it, and AWSPREVIOUS follows to where it was.
func TestAPutMovesTheCurrentLabelAndThePreviousOneFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: aws.String("db"), SecretString: aws.String("one"), ClientRequestToken: token("v1")}); err != nil {
		t.Fatal(err)
	}
	w.wantStages("db", map[string]string{"v1": "AWSCURRENT"})
	w.put("db", "two", token("v2"))
	w.wantStages("db", map[string]string{"v1": "AWSPREVIOUS", "v2": "AWSCURRENT"})
	w.put("db", "three", token("v3"))
	w.wantStages("db", map[string]string{"v1": "", "v2": "AWSPREVIOUS", "v3": "AWSCURRENT"})
	w.wantValue("db", "three")

	for stage, want := range map[string]string{"AWSPREVIOUS": "two", "AWSCURRENT": "three"} {
		out, err := w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionStage: &stage})
		if err != nil || *out.SecretString != want {
			t.Errorf("%s reads %v and %v, want %s", stage, out, err, want)
		}
	}
	out, err := w.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: aws.String("db"), VersionId: token("v1")})
	if err != nil || *out.SecretString != "one" || len(out.VersionStages) != 0 {
		t.Errorf("a deprecated version reads %v and %v, want its value without labels", out, err)
	}
}

// API_PutSecretValue, VersionStages: a label that another version has moves, and
// AWSCURRENT stays unless it is named.
func TestAPutWithStagesMovesThoseAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	w.put("db", "two", token("v2"))
	w.put("db", "three", token("v3"), "AWSPENDING", "blue")
	w.wantValue("db", "two")
	w.put("db", "four", token("v4"), "AWSPENDING")
	out, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[*string]string{token("v2"): "AWSCURRENT", token("v3"): "blue", token("v4"): "AWSPENDING"} {
		if got := strings.Join(out.VersionIdsToStages[*version], " "); got != want {
			t.Errorf("%s has %q, want %q", *version, got, want)
		}
	}
	w.put("db", "five", token("v5"), "AWSCURRENT", "green")
	w.wantValue("db", "five")
}

// API_PutSecretValue: "If this operation creates the first version for the secret,
// then Secrets Manager automatically attaches the staging label AWSCURRENT to it."
// Others report that it does not when VersionStages names another label.
func TestTheFirstPutBecomesCurrentUnlessItIsToldOtherwise(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keep bool
		want string
	}{
		"by the reference": {false, "AWSCURRENT lukko-staged"},
		"by the reports":   {true, "lukko-staged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(cfg *awstest.Config) { cfg.FirstPutKeepsStages = c.keep })
			w.create("db", "")
			w.put("db", "one", token("v1"), "lukko-staged")
			w.wantStages("db", map[string]string{"v1": c.want})
		})
	}
}

// API_PutSecretValue, ClientRequestToken.
func TestAPutIsIdempotentByItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "zero")
	w.put("db", "one", token("v1"))
	w.put("db", "two", token("v2"))
	again := w.put("db", "one", token("v1"), "AWSCURRENT") // "succeeds but does nothing"
	if *again.VersionId != *token("v1") || strings.Join(again.VersionStages, " ") != "AWSPREVIOUS" {
		t.Errorf("the repeated put answers %s %v, want the version as it is", *again.VersionId, again.VersionStages)
	}
	w.wantValue("db", "two")
	_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretString: aws.String("other"), ClientRequestToken: token("v1")})
	wantCode(t, err, "ResourceExistsException")
	_, err = w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretBinary: []byte("one"), ClientRequestToken: token("v1")})
	wantCode(t, err, "ResourceExistsException") // bytes are not the string

	for _, c := range []struct {
		value []byte
		code  string
	}{{[]byte{0, 255}, ""}, {[]byte{0, 255}, ""}, {[]byte{0, 254}, "ResourceExistsException"}} {
		_, err = w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretBinary: c.value, ClientRequestToken: token("bytes")})
		wantCode(t, err, c.code)
	}
}

// API_CreateSecret, ClientRequestToken, and the error ResourceExistsException.
func TestACreateIsIdempotentByItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := sm.CreateSecretInput{Name: aws.String("db"), SecretString: aws.String("one"), ClientRequestToken: token("v1")}
	first, err := w.CreateSecret(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.CreateSecret(t.Context(), &in)
	if err != nil || *again.ARN != *first.ARN || *again.VersionId != *first.VersionId {
		t.Errorf("the repeated create answers %v and %v, want the first answer", again, err)
	}
	other := in
	other.SecretString = aws.String("two")
	_, err = w.CreateSecret(t.Context(), &other)
	wantCode(t, err, "ResourceExistsException")
	other = in
	other.ClientRequestToken = token("v2")
	_, err = w.CreateSecret(t.Context(), &other)
	wantCode(t, err, "ResourceExistsException")
	w.wantStages("db", map[string]string{"v1": "AWSCURRENT"})
}

// API_UpdateSecret: "If you call this operation with a ClientRequestToken that
// matches an existing version's VersionId, the operation results in an error."
func TestAnUpdateWithATokenInUseIsAnErrorEvenForTheSameValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "zero")
	in := sm.UpdateSecretInput{SecretId: aws.String("db"), SecretString: aws.String("one"), ClientRequestToken: token("v1")}
	out, err := w.UpdateSecret(t.Context(), &in)
	if err != nil || *out.VersionId != *token("v1") {
		t.Fatalf("the update answers %v and %v", out, err)
	}
	w.wantValue("db", "one")
	_, err = w.UpdateSecret(t.Context(), &in)
	wantCode(t, err, "ResourceExistsException")

	out, err = w.UpdateSecret(t.Context(), &sm.UpdateSecretInput{SecretId: aws.String("db"), Description: aws.String("of the shop")})
	if err != nil || out.VersionId != nil {
		t.Errorf("an update of the description answers %v and %v, want no version", out, err)
	}
	about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	if err != nil || aws.ToString(about.Description) != "of the shop" {
		t.Errorf("the description is %v and %v", about, err)
	}
	w.wantValue("db", "one")
}

// API_UpdateSecretVersionStage, MoveToVersionId and RemoveFromVersionId.
func TestAStageMovesOnlyFromTheVersionThatHasIt(t *testing.T) {
	t.Parallel()
	setUp := func(t *testing.T) *world {
		w := newWorld(t)
		w.create("db", "")
		w.put("db", "one", token("v1"))
		w.put("db", "two", token("v2"))
		w.put("db", "three", token("v3"), "lukko-staged")
		return w
	}
	before := map[string]string{"v1": "AWSPREVIOUS", "v2": "AWSCURRENT", "v3": "lukko-staged"}
	for name, c := range map[string]struct {
		stage    string
		from, to *string
		code     string
		want     map[string]string
	}{
		"current by its holder":            {"AWSCURRENT", token("v2"), token("v3"), "", map[string]string{"v1": "", "v2": "AWSPREVIOUS", "v3": "AWSCURRENT lukko-staged"}},
		"back to the previous":             {"AWSCURRENT", token("v2"), token("v1"), "", map[string]string{"v1": "AWSCURRENT", "v2": "AWSPREVIOUS", "v3": "lukko-staged"}},
		"current by another version":       {"AWSCURRENT", token("v1"), token("v3"), "InvalidParameterException", before},
		"current by nobody":                {"AWSCURRENT", nil, token("v3"), "InvalidParameterException", before},
		"current by an unknown version":    {"AWSCURRENT", token("v9"), token("v3"), "InvalidParameterException", before},
		"current to where it is":           {"AWSCURRENT", nil, token("v2"), "", before},
		"current to where it is, mismatch": {"AWSCURRENT", token("v1"), token("v2"), "InvalidParameterException", before},
		"to an unknown version":            {"AWSCURRENT", token("v2"), token("v9"), "ResourceNotFoundException", before},
		"current off":                      {"AWSCURRENT", token("v2"), nil, "InvalidParameterException", before},
		"a label off":                      {"lukko-staged", token("v3"), nil, "", map[string]string{"v1": "AWSPREVIOUS", "v2": "AWSCURRENT", "v3": ""}},
		"a label off another version":      {"lukko-staged", token("v2"), nil, "InvalidParameterException", before},
		"a new label":                      {"blue", nil, token("v1"), "", map[string]string{"v1": "AWSPREVIOUS blue", "v2": "AWSCURRENT", "v3": "lukko-staged"}},
		"a new label from somewhere":       {"blue", token("v2"), token("v1"), "InvalidParameterException", before},
		"neither from nor to":              {"blue", nil, nil, "InvalidParameterException", before},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setUp(t)
			_, err := w.UpdateSecretVersionStage(t.Context(), &sm.UpdateSecretVersionStageInput{
				SecretId: aws.String("db"), VersionStage: &c.stage, RemoveFromVersionId: c.from, MoveToVersionId: c.to,
			})
			wantCode(t, err, c.code)
			w.wantStages("db", c.want)
		})
	}
}
