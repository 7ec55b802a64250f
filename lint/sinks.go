package lint

import (
	"go/types"
	"slices"
	"strings"
)

// sink is a place that a revealed value must not reach.
type sink struct {
	where string // "a log"
	// from and to bound the arguments that reach it, the receiver not
	// counted; to is exclusive, and -1 is all.
	from, to int
	// inner says that only a value inside of a longer one is wrong there.
	inner bool
}

const (
	aLog     = "a log"
	anError  = "the text of an error"
	aPanic   = "the text of a panic"
	anOutput = "standard output or standard error"
	aURL     = "a URL"
	aQueue   = "a queue"
	aMail    = "a mail"
	aCommand = "the arguments of a command"
)

// logPackages are those whose functions all write, or prepare, what is logged.
var logPackages = []string{
	"log", "log/slog", "log/syslog",
	"go.uber.org/zap", "github.com/rs/zerolog", "github.com/sirupsen/logrus", "github.com/go-logr/logr",
	"github.com/hashicorp/go-hclog", "k8s.io/klog", "github.com/golang/glog", "github.com/go-kit/log", "github.com/go-kit/kit/log",
	"github.com/charmbracelet/log", "github.com/apex/log", "github.com/inconshreveable/log15", "github.com/phuslu/log",
	"cloud.google.com/go/logging", "github.com/getsentry/sentry-go",
}

// errorFuncs are the functions that make the text of an error, by package.
var errorFuncs = map[string][]string{
	"errors":                             {"New"},
	"fmt":                                {"Errorf"},
	"golang.org/x/xerrors":               {"New", "Errorf"},
	"github.com/pkg/errors":              {"New", "Errorf", "Wrap", "Wrapf", "WithMessage", "WithMessagef"},
	"github.com/cockroachdb/errors":      {"New", "Newf", "Errorf", "Wrap", "Wrapf", "WithMessage", "WithMessagef"},
	"google.golang.org/grpc/status":      {"New", "Newf", "Error", "Errorf"},
	"github.com/hashicorp/errwrap":       {"Wrapf"},
	"github.com/hashicorp/go-multierror": {},
}

// sends are the functions and methods that hand a message to somebody else, by
// the beginning of the package's path.
var sends = []struct {
	path, where string
	names       []string
}{
	{"net/smtp", aMail, []string{"SendMail"}},
	{"gopkg.in/gomail.v2", aMail, []string{"SetBody", "AddAlternative", "SetHeader"}},
	{"github.com/wneessen/go-mail", aMail, []string{"SetBodyString", "AddAlternativeString", "Subject"}},
	{"github.com/sendgrid/sendgrid-go", aMail, []string{"NewContent", "NewSingleEmail", "NewSingleEmailPlainText"}},
	{"github.com/rabbitmq/amqp091-go", aQueue, []string{"Publish", "PublishWithContext", "PublishWithDeferredConfirm", "PublishWithDeferredConfirmWithContext"}},
	{"github.com/streadway/amqp", aQueue, []string{"Publish"}},
	{"github.com/nats-io/nats.go", aQueue, []string{"Publish", "PublishMsg", "PublishRequest", "PublishAsync", "PublishMsgAsync", "Request", "RequestWithContext", "RequestMsg"}},
	{"github.com/segmentio/kafka-go", aQueue, []string{"WriteMessages"}},
	{"github.com/IBM/sarama", aQueue, []string{"SendMessage", "SendMessages"}},
	{"github.com/Shopify/sarama", aQueue, []string{"SendMessage", "SendMessages"}},
	{"github.com/confluentinc/confluent-kafka-go", aQueue, []string{"Produce"}},
	{"github.com/twmb/franz-go", aQueue, []string{"Produce", "ProduceSync", "TryProduce"}},
	{"github.com/aws/aws-sdk-go-v2/service/sqs", aQueue, []string{"SendMessage", "SendMessageBatch"}},
	{"github.com/aws/aws-sdk-go-v2/service/sns", aQueue, []string{"Publish", "PublishBatch"}},
	{"github.com/aws/aws-sdk-go/service/sqs", aQueue, []string{"SendMessage", "SendMessageWithContext"}},
	{"github.com/aws/aws-sdk-go/service/sns", aQueue, []string{"Publish", "PublishWithContext"}},
	{"github.com/aws/aws-sdk-go-v2/service/sesv2", aMail, []string{"SendEmail"}},
	{"github.com/aws/aws-sdk-go-v2/service/ses", aMail, []string{"SendEmail", "SendRawEmail"}},
	{"cloud.google.com/go/pubsub", aQueue, []string{"Publish"}},
	{"github.com/redis/go-redis", aQueue, []string{"Publish", "LPush", "RPush", "XAdd"}},
	{"github.com/eclipse/paho.mqtt.golang", aQueue, []string{"Publish"}},
	{"github.com/hibiken/asynq", aQueue, []string{"NewTask"}},
	{"gocloud.dev/pubsub", aQueue, []string{"Send"}},
}

// logMethods are the names of methods that log, of a type that is called a
// logger.
var logMethods = []string{
	"Debug", "Info", "Warn", "Warning", "Error", "Fatal", "Panic", "Print", "Trace", "Notice", "Log", "Critical",
}

// sinkOf says what a function or method is a sink of; ok is false for others.
func sinkOf(fn *types.Func) (s sink, ok bool) {
	if fn == nil || fn.Pkg() == nil {
		return sink{}, false
	}
	path, name := fn.Pkg().Path(), fn.Name()
	recv := receiver(fn)
	all := func(where string) (sink, bool) { return sink{where: where, to: -1}, true }
	switch {
	case path == "fmt" && recv == "" && slices.Contains([]string{"Print", "Printf", "Println"}, name):
		return all(anOutput)
	case path == "net/http" && name == "Error" && recv == "":
		return sink{where: anError, from: 1, to: 2}, true
	case path == "net/http" && (recv == "" || recv == "Client"):
		switch name {
		case "Get", "Head", "Post", "PostForm":
			return sink{where: aURL, to: 1, inner: true}, true
		case "NewRequest":
			return sink{where: aURL, from: 1, to: 2, inner: true}, true
		case "NewRequestWithContext":
			return sink{where: aURL, from: 2, to: 3, inner: true}, true
		}
	case path == "net/http/httptest":
		return sink{}, false
	case path == "os/exec" && recv == "":
		switch name {
		case "Command":
			return all(aCommand)
		case "CommandContext":
			return sink{where: aCommand, from: 1, to: -1}, true
		}
	}
	if recv == "" && slices.Contains(errorFuncs[path], name) {
		return all(anError)
	}
	for _, p := range logPackages {
		if path == p || strings.HasPrefix(path, p+"/") {
			if strings.HasPrefix(name, "New") || path == "log/syslog" && recv == "" {
				return sink{}, false
			}
			return all(aLog)
		}
	}
	for _, group := range sends {
		if (path == group.path || strings.HasPrefix(path, group.path+"/")) && slices.Contains(group.names, name) {
			if path == "net/smtp" {
				return sink{where: aMail, from: 4, to: 5}, true
			}
			return all(group.where)
		}
	}
	if lower := strings.ToLower(recv); strings.HasSuffix(lower, "logger") || lower == "log" {
		for _, m := range logMethods {
			if rest, ok := strings.CutPrefix(name, m); ok && slices.Contains([]string{"", "f", "ln", "w", "Context", "Ctx", "S"}, rest) {
				return all(aLog)
			}
		}
	}
	return sink{}, false
}

// urlFields are the fields of url.URL that stand in its text, but for User:
// a password there is hidden by Redacted, and sent as a header by net/http.
var urlFields = []string{"Scheme", "Opaque", "Host", "Path", "RawPath", "RawQuery", "Fragment", "RawFragment"}

// passing are the functions that return what they are given, in some form, by
// package. A function that is in none of these lists, and not of the module,
// is taken for one that makes something else of it, as a hash does.
var passing = map[string][]string{
	"fmt":                              {"Sprint", "Sprintf", "Sprintln", "Append", "Appendf", "Appendln"},
	"strings":                          {"*"},
	"bytes":                            {"*"},
	"strconv":                          {"Quote", "QuoteToASCII", "AppendQuote", "Unquote"},
	"net/url":                          {"*"},
	"path":                             {"Join"},
	"path/filepath":                    {"Join"},
	"slices":                           {"Clone", "Concat", "Insert", "Values", "Collect"},
	"maps":                             {"Clone", "Values"},
	"encoding/json":                    {"Marshal", "MarshalIndent"},
	"encoding/base64":                  {"EncodeToString", "AppendEncode"},
	"encoding/hex":                     {"EncodeToString"},
	"errors":                           {"Join"},
	"io":                               {"ReadAll"},
	"text/template":                    {"URLQueryEscaper", "HTMLEscapeString"},
	"html":                             {"EscapeString"},
	"github.com/aws/aws-sdk-go-v2/aws": {"String"},
	"github.com/aws/aws-sdk-go/aws":    {"String"},
	"google.golang.org/protobuf/proto": {"String"},
	"k8s.io/utils/ptr":                 {"To"},
	"github.com/nats-io/nats.go":       {"NewMsg"},
	"gopkg.in/yaml.v3":                 {"Marshal"},
	"go.yaml.in/yaml/v3":               {"Marshal"},
	"go.yaml.in/yaml/v4":               {"Marshal"},
	"sigs.k8s.io/yaml":                 {"Marshal"},
	"google.golang.org/protobuf/encoding/protojson": {"Marshal"},
}

// quoting are the functions whose errors quote what they were given.
var quoting = map[string][]string{
	"net/url":   {"Parse", "ParseRequestURI", "ParseQuery", "QueryUnescape", "PathUnescape"},
	"strconv":   {"Atoi", "ParseInt", "ParseUint", "ParseFloat", "ParseBool", "Unquote"},
	"time":      {"Parse", "ParseDuration", "ParseInLocation"},
	"net/netip": {"ParseAddr", "ParseAddrPort", "ParsePrefix"},
	"net":       {"ParseCIDR", "SplitHostPort", "Dial", "DialTimeout"},
	"regexp":    {"Compile", "CompilePOSIX"},
	"net/http":  {"NewRequest", "NewRequestWithContext", "Get", "Post", "Head"},
}

// taking are methods that put what they are given into their receiver.
var taking = map[string][]string{
	"strings.Builder": {"Write", "WriteString"},
	"bytes.Buffer":    {"Write", "WriteString"},
	"net/url.Values":  {"Set", "Add"},
}

// passes reports whether the result of type t of a call of fn holds what its
// arguments hold.
func passes(fn *types.Func, t types.Type) bool {
	if fn == nil || fn.Pkg() == nil || !carries(t) {
		return false
	}
	path, name := fn.Pkg().Path(), fn.Name()
	if types.Identical(t, types.Universe.Lookup("error").Type()) {
		return slices.Contains(quoting[path], name) || path == "errors" && name == "Join"
	}
	if path == "net/url" && name == "Redacted" {
		return false
	}
	list := passing[path]
	return slices.Contains(list, "*") || slices.Contains(list, name)
}

// carries reports whether a value of type t can hold text: no number, no
// bool, no Value.
func carries(t types.Type) bool {
	if isType(t, corePath, "Value") {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&types.IsString != 0
	case *types.Signature, *types.Chan:
		return false
	case *types.Slice:
		return isByte(u.Elem()) || carries(u.Elem())
	}
	return true
}
