package main

import (
	"errors"
	"net"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// Each script has a fake of its own, eu-west-1, in the environment that every
// SDK of AWS reads.
func TestAWSScripts(t *testing.T) {
	t.Parallel()
	p := scripts("testdata/aws")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		srv := awstest.New(t, func(c *awstest.Config) { c.Region = "eu-west-1" })
		for name, value := range srv.Settings().Env() {
			env.Setenv(name, value)
		}
		env.Values["server"] = srv
		return setup(env)
	}
	server := func(ts *testscript.TestScript) *awstest.Server { return ts.Value("server").(*awstest.Server) }

	// put stores a value as others do, without Lukko: put NAME VALUE.
	p.Cmds["put"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: put NAME VALUE")
		}
		_, err := server(ts).Set(args[0], args[1])
		ts.Check(err)
	}
	// deny refuses an action on secrets: deny ACTION PATTERN.
	p.Cmds["deny"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: deny ACTION PATTERN")
		}
		server(ts).Deny(args[0], args[1])
	}
	p.Cmds["silence"] = silence(t)
	testscript.Run(t, p)
}

// Each script has a fake of its own with the projects my-project and
// other-project in SECRET_MANAGER_EMULATOR_HOST; the same fake for who may only read
// values is in READER, and for who may only add versions in ADDER.
func TestGCPScripts(t *testing.T) {
	t.Parallel()
	p := scripts("testdata/gcp")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		srv := gcptest.New(t, gcptest.WithProject("my-project", 42), gcptest.WithProject("other-project", 43))
		env.Setenv("SECRET_MANAGER_EMULATOR_HOST", srv.Listen())
		env.Setenv("READER", srv.As(gcptest.Accessor).Listen())
		env.Setenv("ADDER", srv.As(gcptest.VersionAdder).Listen())
		for _, name := range []string{"GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"} {
			env.Setenv(name, "")
		}
		env.Values["server"] = srv
		return setup(env)
	}
	server := func(ts *testscript.TestScript) *gcptest.Server { return ts.Value("server").(*gcptest.Server) }

	// put stores values as others do, without Lukko: put PROJECT NAME VALUE...
	p.Cmds["put"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < 3 {
			ts.Fatalf("usage: put PROJECT NAME VALUE...")
		}
		for _, value := range args[2:] {
			server(ts).Seed("projects/"+args[0]+"/secrets/"+args[1], []byte(value))
		}
	}
	// quotas holds the fake to Google's from here on: quotas.
	p.Cmds["quotas"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 0 {
			ts.Fatalf("usage: quotas")
		}
		server(ts).SetQuotas(gcptest.DocumentedQuotas())
	}
	// A trial has the time that Google's quotas take.
	p.Condition = func(name string) (bool, error) {
		if name != "trial" {
			return false, errors.New("no such condition")
		}
		return os.Getenv("LUKKO_TRIAL") == "1", nil
	}
	testscript.Run(t, p)
}

// silence sets a variable to an address where connections are taken and never
// answered: silence NAME.
func silence(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: silence NAME")
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		t.Cleanup(func() {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		})
		ts.Setenv(args[0], l.Addr().String())
	}
}
