package awstest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// Whatever is sent, the answer is the protocol's and the fake goes on.
func FuzzRequests(f *testing.F) {
	id := *token("v1")
	for _, seed := range [][3]string{
		{"CreateSecret", `{"Name":"new","SecretString":"x","ClientRequestToken":"` + id + `"}`, ""},
		{"PutSecretValue", `{"SecretId":"db","SecretBinary":"AA==","VersionStages":["a"],"ClientRequestToken":"` + id + `"}`, ""},
		{"UpdateSecret", `{"SecretId":"db","KmsKeyId":"k","ClientRequestToken":"` + id + `"}`, ""},
		{"UpdateSecretVersionStage", `{"SecretId":"db","VersionStage":"AWSCURRENT","MoveToVersionId":"` + id + `"}`, ""},
		{"GetSecretValue", `{"SecretId":"arn:aws:secretsmanager:us-east-1:111122223333:secret:db"}`, ""},
		{"BatchGetSecretValue", `{"SecretIdList":["db"],"NextToken":"eyJQbGFjZSI6LTF9"}`, ""},
		{"BatchGetSecretValue", `{"Filters":[{"Key":"all","Values":["!d b"]}],"MaxResults":1}`, ""},
		{"ListSecrets", `{"SortBy":"name","MaxResults":1,"NextToken":"e30"}`, ""},
		{"ListSecretVersionIds", `{"SecretId":"db","IncludeDeprecated":true}`, ""},
		{"DeleteSecret", `{"SecretId":"db","RecoveryWindowInDays":7}`, ""},
		{"RestoreSecret", `{"SecretId":"db"}`, ""},
		{"TagResource", `{"SecretId":"db","Tags":[{"Key":"a","Value":"b"}]}`, ""},
		{"UntagResource", `{"SecretId":"db","TagKeys":["a"]}`, ""},
		{"DescribeSecret", `null`, "AWS4-HMAC-SHA256 Credential=A/20260301/us-east-1/secretsmanager/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)},
		{"DescribeSecret", `[]`, "AWS4-HMAC-SHA256 Credential=////,SignedHeaders,Signature="},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, operation, body, authorization string) {
		fake := awstest.NewHandler(func(c *awstest.Config) {
			if authorization == "" {
				c.Auth = awstest.AuthNone
			}
		})
		if _, err := fake.Set("db", "one"); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "secretsmanager."+operation)
		r.Header.Set("X-Amz-Date", "20260301T120000Z")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		fake.ServeHTTP(w, r)
		var answer struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || (w.Code == http.StatusOK) != (answer.Type == "") || w.Code >= 500 {
			t.Fatalf("status %d with the code %q, %T", w.Code, answer.Type, err)
		}
		if authorization != "" && w.Code == http.StatusOK {
			t.Fatal("a signature that nobody made is accepted")
		}
	})
}
