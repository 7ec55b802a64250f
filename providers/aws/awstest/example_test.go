package awstest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// In a test, t is the test's own. Where settings can't be passed to the code under
// test, set the environment of Settings().Env() with t.Setenv.
func ExampleNew() {
	var t awstest.TB = exampleTB{}

	fake := awstest.New(t)
	if _, err := fake.Set("shop/db", "correct horse"); err != nil {
		fmt.Println(err)
		return
	}
	fake.Inject(awstest.Fault{Operation: "GetSecretValue", Answer: awstest.Throttling()})

	set := fake.Settings()
	client := secretsmanager.New(secretsmanager.Options{
		Region:       set.Region,
		BaseEndpoint: aws.String(set.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(set.AccessKeyID, set.SecretAccessKey, set.SessionToken),
	})
	out, err := client.GetSecretValue(context.Background(), &secretsmanager.GetSecretValueInput{
		SecretId: aws.String("shop/db"), VersionStage: aws.String("AWSCURRENT"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*out.SecretString, "after", fake.CountCalls("GetSecretValue"), "calls")
	// Output: correct horse after 2 calls
}

// exampleTB lives as long as the example's process.
type exampleTB struct{}

func (exampleTB) Helper()        {}
func (exampleTB) Cleanup(func()) {}

var _ awstest.TB = (*testing.T)(nil)
