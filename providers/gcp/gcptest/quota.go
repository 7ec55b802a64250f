package gcptest

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
)

// class is what kind of request a call is to the quotas.
type class int

const (
	reads class = iota
	writes
	accesses
)

// Quotas are limits of calls, as https://cloud.google.com/secret-manager/quotas
// lists them. A zero field is no limit. A call over a limit is answered with
// RESOURCE_EXHAUSTED, has no effect and uses up nothing. A span of time begins
// with the first call that falls in it.
type Quotas struct {
	AccessPerMinute int // AccessSecretVersion, a project
	ReadPerMinute   int // every other call that changes nothing, a project
	WritePerMinute  int // every call that changes something, a project

	SecretWritesPerSecond int // AddSecretVersion and UpdateSecret together, a secret
	SecretWritesPerMinute int

	StateChangesPerSecond int // EnableSecretVersion, DisableSecretVersion and DestroySecretVersion together, a version
	StateChangesPerMinute int

	// The same for regional secrets.
	RegionalSecretWritesPerSecond int
	RegionalSecretWritesPerMinute int
	RegionalStateChangesPerSecond int
	RegionalStateChangesPerMinute int
}

// DocumentedQuotas are the quotas that Google documents. The service enforces
// those of a secret and of a version softly: it may let more pass. A program
// that keeps to them here keeps to them there.
func DocumentedQuotas() Quotas {
	return Quotas{
		AccessPerMinute: 90_000,
		ReadPerMinute:   600,
		WritePerMinute:  600,

		SecretWritesPerSecond: 2,
		SecretWritesPerMinute: 120,
		StateChangesPerSecond: 1,
		StateChangesPerMinute: 60,

		RegionalSecretWritesPerSecond: 80,
		RegionalSecretWritesPerMinute: 4800,
		RegionalStateChangesPerSecond: 50,
		RegionalStateChangesPerMinute: 3000,
	}
}

// meter counts calls against quotas.
type meter struct {
	mu     sync.Mutex
	quotas Quotas
	used   map[string]*span
}

// span is the calls since a time.
type span struct {
	from  time.Time
	calls int
}

// limit is one quota that a call counts against.
type limit struct {
	key    string // what is counted together
	metric string // what it is called, such as Write requests
	unit   string // such as minute
	per    time.Duration
	most   int
}

func (m *meter) set(q Quotas) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.quotas = q
	m.used = nil
}

// take counts a call, or says which quota it is over.
func (m *meter) take(method string, c class, n name, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var spans []*span
	for _, l := range m.limits(method, c, n) {
		if l.most <= 0 {
			continue
		}
		key := l.key + " " + l.unit
		s := m.used[key]
		if s == nil || now.Sub(s.from) >= l.per {
			s = &span{from: now}
			if m.used == nil {
				m.used = make(map[string]*span)
			}
			m.used[key] = s
		}
		if s.calls >= l.most {
			return errQuota(l, n.project)
		}
		spans = append(spans, s)
	}
	for _, s := range spans {
		s.calls++
	}
	return nil
}

// limits are the quotas that a call counts against.
func (m *meter) limits(method string, c class, n name) []limit {
	q := m.quotas
	project := [...]limit{
		reads:    {"reads " + n.project, "Read requests", "minute", time.Minute, q.ReadPerMinute},
		writes:   {"writes " + n.project, "Write requests", "minute", time.Minute, q.WritePerMinute},
		accesses: {"accesses " + n.project, "Access requests", "minute", time.Minute, q.AccessPerMinute},
	}[c]
	var second, minute int
	var key, metric string
	switch method {
	case "AddSecretVersion", "UpdateSecret":
		key, metric = "secret "+n.secretPath(), "Secret write requests"
		second, minute = q.SecretWritesPerSecond, q.SecretWritesPerMinute
		if n.location != "" {
			second, minute = q.RegionalSecretWritesPerSecond, q.RegionalSecretWritesPerMinute
		}
	case "EnableSecretVersion", "DisableSecretVersion", "DestroySecretVersion":
		key, metric = "version "+n.String(), "Secret version state change requests"
		second, minute = q.StateChangesPerSecond, q.StateChangesPerMinute
		if n.location != "" {
			second, minute = q.RegionalStateChangesPerSecond, q.RegionalStateChangesPerMinute
		}
	default:
		return []limit{project}
	}
	return []limit{
		project,
		{key, metric, "second", time.Second, second},
		{key, metric, "minute", time.Minute, minute},
	}
}

// errQuota is a quota error as Google's services send it
// (https://cloud.google.com/apis/design/errors).
func errQuota(l limit, project string) error {
	words := strings.Fields(l.metric + " per " + l.unit)
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	message := fmt.Sprintf("Quota exceeded for quota metric '%s' and limit '%s per %s' of service '%s' for consumer 'project_number:%s'.",
		l.metric, l.metric, l.unit, serviceName, project)
	return detailed(codes.ResourceExhausted, message,
		&errdetails.ErrorInfo{
			Reason: "RATE_LIMIT_EXCEEDED",
			Domain: "googleapis.com",
			Metadata: map[string]string{
				"service":           serviceName,
				"consumer":          "projects/" + project,
				"quota_metric":      serviceName + "/" + strings.ToLower(strings.ReplaceAll(l.metric, " ", "_")),
				"quota_limit":       strings.Join(words, ""),
				"quota_limit_value": strconv.Itoa(l.most),
			},
		},
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{
			Subject:     "project_number:" + project,
			Description: message,
		}}})
}
