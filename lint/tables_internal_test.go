package lint

import (
	"go/types"
	"testing"
)

// function makes a function, or a method of recv, of a package.
func function(path, recv, name string) *types.Func {
	pkg := types.NewPackage(path, "p")
	var of *types.Var
	if recv != "" {
		t := types.NewNamed(types.NewTypeName(0, pkg, recv, nil), types.NewStruct(nil, nil), nil)
		of = types.NewVar(0, pkg, "", types.NewPointer(t))
	}
	return types.NewFunc(0, pkg, name, types.NewSignatureType(of, nil, nil, nil, nil, false))
}

func TestSinksAreKnownByTheirNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, recv, name string
		want             string // empty: no sink
	}{
		{"log", "", "Printf", aLog},
		{"log", "Logger", "Fatal", aLog},
		{"log", "", "New", ""},
		{"log/slog", "", "InfoContext", aLog},
		{"log/slog", "Logger", "With", aLog},
		{"log/syslog", "", "Dial", ""},
		{"go.uber.org/zap", "SugaredLogger", "Infow", aLog},
		{"go.uber.org/zap", "", "NewProduction", ""},
		{"github.com/rs/zerolog", "Event", "Str", aLog},
		{"github.com/rs/zerolog/log", "", "Print", aLog},
		{"github.com/sirupsen/logrus", "Entry", "WithField", aLog},
		{"github.com/go-logr/logr", "Logger", "Info", aLog},
		{"github.com/hashicorp/go-hclog", "Logger", "Debug", aLog},
		{"k8s.io/klog/v2", "", "InfoS", aLog},
		{"github.com/getsentry/sentry-go", "", "CaptureMessage", aLog},
		{"example.com/own", "Logger", "Warnf", aLog},
		{"example.com/own", "auditLogger", "Info", aLog},
		{"example.com/own", "Logger", "Close", ""},
		{"example.com/own", "Catalog", "Info", ""},
		{"example.com/logs", "", "Info", ""},
		{"errors", "", "New", anError},
		{"errors", "", "Is", ""},
		{"fmt", "", "Errorf", anError},
		{"fmt", "", "Sprintf", ""},
		{"fmt", "", "Println", anOutput},
		{"fmt", "", "Sscan", ""},
		{"github.com/pkg/errors", "", "Wrapf", anError},
		{"google.golang.org/grpc/status", "", "Errorf", anError},
		{"net/http", "", "Error", anError},
		{"net/http", "", "NewRequestWithContext", aURL},
		{"net/http", "Client", "Get", aURL},
		{"net/http", "Header", "Set", ""},
		{"net/smtp", "", "SendMail", aMail},
		{"net/smtp", "", "PlainAuth", ""},
		{"github.com/rabbitmq/amqp091-go", "Channel", "PublishWithContext", aQueue},
		{"github.com/nats-io/nats.go/jetstream", "JetStream", "Publish", aQueue},
		{"github.com/segmentio/kafka-go", "Writer", "WriteMessages", aQueue},
		{"github.com/IBM/sarama", "SyncProducer", "SendMessage", aQueue},
		{"github.com/aws/aws-sdk-go-v2/service/sqs", "Client", "SendMessage", aQueue},
		{"github.com/aws/aws-sdk-go-v2/service/sns", "Client", "Publish", aQueue},
		{"github.com/aws/aws-sdk-go-v2/service/sesv2", "Client", "SendEmail", aMail},
		{"cloud.google.com/go/pubsub/v2", "Publisher", "Publish", aQueue},
		{"github.com/redis/go-redis/v9", "Client", "Publish", aQueue},
		{"github.com/redis/go-redis/v9", "Client", "Set", ""},
		{"os/exec", "", "CommandContext", aCommand},
		{"os/exec", "Cmd", "Run", ""},
		{"os", "", "Setenv", ""},
		{"os", "", "WriteFile", ""},
	} {
		if s, _ := sinkOf(function(c.path, c.recv, c.name)); s.where != c.want {
			t.Errorf("%s %s.%s: a sink of %q, want %q", c.path, c.recv, c.name, s.where, c.want)
		}
	}
}

func TestLastWordOfNameSaysWhetherItIsPublic(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Host": true, "host": true, "DBHost": true, "dbUser": true, "ClientID": true, "client_id": true, "client-id": true,
		"UserName": true, "sslmode": true, "KeyType": true, "Region2": false,
		"Password": false, "HostPassword": false, "APIKey": false, "Token": false, "UserToken": false, "ID": true, "Pin": false,
		"": false, "Webhook": false, "WebhookURL": false, "Hidden": false, "Valid": false,
	} {
		if got := isPublicName(name); got != want {
			t.Errorf("%q is public: %t, want %t", name, got, want)
		}
	}
}

func TestNearestIDIsATypingErrorAway(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"STRIPE_CREDENTIALS": true, "SMTP": true, "DATABASE_URL": true, "DATABASE_URI": true}
	for id, want := range map[string]string{
		"STRIPE_CREDENTAILS": "STRIPE_CREDENTIALS", "stripe_credentials": "STRIPE_CREDENTIALS", "STRIPE_CREDENTIAL": "STRIPE_CREDENTIALS",
		"STRIPE-CREDENTIALS": "STRIPE_CREDENTIALS", "SMPT": "SMTP", "SMTPS": "SMTP", "shop/SMTP": "SMTP",
		"DATABASE_URX": "DATABASE_URI", // of two that are as near, the first by name
		"SM":           "", "A": "", "STRIPE": "", "SENDGRID_CREDENTIALS": "",
	} {
		if got := nearest(id, known); got != want {
			t.Errorf("nearest to %q: %q, want %q", id, got, want)
		}
	}
}
