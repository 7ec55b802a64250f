package oauthtest_test

import (
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// awsConfig is that of a store over a fake, which takes nothing from this machine.
func awsConfig(fake *awstest.Server) aws.Config {
	s := fake.Settings()
	return aws.Config{
		Region: s.Region, Endpoint: s.URL, Conditions: aws.ConditionsOn,
		Load: []func(*config.LoadOptions) error{
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, s.SessionToken)),
			config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
		},
	}
}
