package deploytest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/lukko-dev/lukko/generate/manifest"
)

// containerOf reads JSON into the SDK's own type, strictly.
func containerOf(t testing.TB, data []byte) types.ContainerDefinition {
	t.Helper()
	var container types.ContainerDefinition
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&container); err != nil {
		t.Fatal(err)
	}
	return container
}

func TestTheSDKOfECSSendsTheContainerAsItIsWritten(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		all bool
		ids []string
	}{
		"what must be there": {false, required},
		"all":                {true, slices.Concat(required, optional)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, in := deployment(t, "aws://eu-west-1?prefix=prod/")
			in.Account, in.IncludeOptional = awsAccount, tt.all
			data := write(t, manifest.ECS, in)

			container := containerOf(t, data)
			environment, secrets := map[string]string{}, map[string]string{}
			for _, e := range container.Environment {
				environment[sdk.ToString(e.Name)] = sdk.ToString(e.Value)
			}
			for _, s := range container.Secrets {
				secrets[sdk.ToString(s.Name)] = sdk.ToString(s.ValueFrom)
			}
			want := map[string]string{}
			for _, id := range tt.ids {
				want[id] = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/" + id
			}
			same(t, "environment", environment, values(in))
			same(t, "secrets", secrets, want)

			// Through its own validation, and as it spells it.
			var sent struct{ ContainerDefinitions []any }
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err == nil {
					err = json.Unmarshal(body, &sent)
				}
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				_, _ = io.WriteString(w, "{}")
			}))
			defer srv.Close()
			client := ecs.New(ecs.Options{Region: "eu-west-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
			if _, err := client.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
				Family: sdk.String("shop"), ContainerDefinitions: []types.ContainerDefinition{container},
			}); err != nil {
				t.Fatal(err)
			}
			var written map[string]any
			if err := json.Unmarshal(data, &written); err != nil {
				t.Fatal(err)
			}
			if len(sent.ContainerDefinitions) != 1 {
				t.Fatalf("the SDK sends %v", sent)
			}
			got, _ := sent.ContainerDefinitions[0].(map[string]any)
			for key, value := range written {
				if !reflect.DeepEqual(got[key], value) {
					t.Errorf("the SDK sends as %s %v, and written is %v", key, got[key], value)
				}
			}
		})
	}
}
