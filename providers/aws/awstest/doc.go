// Package awstest is AWS Secrets Manager in the memory of a test: an HTTP
// server, or an [http.Handler], that an unmodified AWS SDK in any language
// talks to.
//
//	fake := awstest.New(t)
//	for name, value := range fake.Settings().Env() {
//		t.Setenv(name, value) // AWS_ENDPOINT_URL_SECRETS_MANAGER, AWS_REGION, keys
//	}
//
// It follows the service's API reference and user guide rule by rule: names
// and ARNs, versions and staging labels, idempotency tokens, the quotas, paging,
// scheduled deletion, and the codes of its errors. Requests must be signed, and
// the signature is verified. Where the reference is silent or disagrees with what
// people report, [Config] has a switch, whose comment names the sources.
//
// What makes a test worth having can be asked for: refusals ([Server.Deny],
// [Config.Authorize]), throttling, lost answers and cut connections
// ([Server.Inject]), reads that miss a recent write ([Config.ReadLag]), an
// injected [Clock], and the exact list of calls ([Server.Calls]).
//
// Two personalities: the strict reference, which is the default, and [Lenient],
// which deviates the way the stand-ins do that people run on their laptops.
//
// # What it isn't
//
// Rotation, replication, resource policies, managed external secrets and
// GetRandomPassword answer as unknown operations. Values are kept in memory
// unencrypted. There are no rates: throttling comes when a test injects it.
//
// Everything here is safe for concurrent use, and each request takes effect
// at one moment: without a lag, operations on a secret are linearizable.
// Values of secrets are in answers only, never in an error, a log or the list
// of calls.
package awstest
