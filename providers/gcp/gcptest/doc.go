// Package gcptest is an in-process fake of Google Secret Manager for tests. It
// serves the official gRPC service definition, so the unmodified official
// client, cloud.google.com/go/secretmanager/apiv1, talks to it.
//
//	srv := gcptest.New(t)
//	client := srv.Client(t) // over memory
//	addr := srv.Listen()    // or host:port on loopback, for SECRET_MANAGER_EMULATOR_HOST
//
// It is written from the reference: the comments of the service definition
// (cloud.google.com/go/secretmanager/apiv1/secretmanagerpb) and the pages under
// https://cloud.google.com/secret-manager/docs. Each rule cites its page in the
// test that holds it. Where Google documents no wording of an error, the code
// is the contract and the text is ours.
//
// A [Server] has two personalities. [Strict], the default, follows the
// reference. [Lenient] behaves as the local stand-ins that people use: no
// etags, no checksums, no aliases, and a latest that skips disabled versions.
// A program that works with both is safe to try out locally.
//
// What goes wrong in production can be made to go wrong here, exactly and
// without sleeping: roles ([Endpoint.As]), denials ([Server.Deny]), quotas
// ([WithQuotas]), eventual consistency ([Server.SetLag]) and faults
// ([Server.Inject]) on a clock that the test moves ([Clock]). [Server.Calls]
// has every call that arrived, without payloads.
//
// Not served are managed rotation (EnableManagedRotation, RotateSecret), the
// locations mixin, the REST form of the API and the sending of Pub/Sub
// notifications. The type of a secret is kept, and its payloads are not checked
// against it; an IAM policy is kept, and nobody's rights follow from it.
// Everything is safe for concurrent use.
package gcptest
