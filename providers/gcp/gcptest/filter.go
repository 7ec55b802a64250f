package gcptest

import (
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Filters of lists, in Google's filter language
// (https://cloud.google.com/secret-manager/docs/filtering, https://google.aip.dev/160):
// restrictions such as name:db, labels.env=prod, state:(ENABLED OR DISABLED),
// replication.automatic:* and create_time>=2026-01-01T00:00:00Z, joined by AND,
// OR (which binds tighter), NOT or -, and parentheses. A word alone is looked
// for in the name. For text, ":" finds a part of it and "=" the whole, both to
// the letter; ":*" asks whether there is any.

// item is what a filter sees of a secret or a version.
type item struct {
	text  map[string]string
	times map[string]*timestamppb.Timestamp
	maps  map[string]map[string]string
	lists map[string][]string
}

// predicate is a filter, or a part of one. None keeps everything.
type predicate func(item) bool

func secretItem(s *secretmanagerpb.Secret) item {
	var automatic, locations []string
	if s.GetReplication().GetAutomatic() != nil {
		automatic = []string{""}
	}
	for _, replica := range s.GetReplication().GetUserManaged().GetReplicas() {
		locations = append(locations, replica.GetLocation())
	}
	return item{
		text:  map[string]string{"name": s.GetName(), "etag": s.GetEtag()},
		times: map[string]*timestamppb.Timestamp{"create_time": s.GetCreateTime(), "expire_time": s.GetExpireTime()},
		maps:  map[string]map[string]string{"labels": s.GetLabels()},
		lists: map[string][]string{
			"replication.automatic":                      automatic,
			"replication.user_managed.replicas.location": locations,
		},
	}
}

func versionItem(v *secretmanagerpb.SecretVersion) item {
	return item{
		text:  map[string]string{"name": v.GetName(), "etag": v.GetEtag(), "state": v.GetState().String()},
		times: map[string]*timestamppb.Timestamp{"create_time": v.GetCreateTime(), "destroy_time": v.GetDestroyTime()},
	}
}

func (p predicate) secret(s *secretmanagerpb.Secret) bool {
	return p == nil || p(secretItem(s))
}

func (p predicate) version(v *secretmanagerpb.SecretVersion) bool {
	return p == nil || p(versionItem(v))
}

// filter reads the filter of a request for a list of items like the sample.
func (s *service) filter(text string, sample item) (predicate, error) {
	if s.lenient() {
		return lenientFilter(text, sample), nil
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	p, ok := parseFilter(text, sample)
	if !ok {
		return nil, errInvalid("Field [filter] is not valid.")
	}
	return p, nil
}

// lenientFilter knows one state of versions and ignores everything else.
func lenientFilter(text string, sample item) predicate {
	state, ok := strings.CutPrefix(strings.TrimSpace(text), "state:")
	state = strings.ToUpper(strings.TrimSpace(state))
	if _, versions := sample.text["state"]; !ok || !versions || secretmanagerpb.SecretVersion_State_value[state] == 0 {
		return nil
	}
	return func(it item) bool { return it.text["state"] == state }
}

// maxNesting bounds the parentheses of a filter, and with them the stack.
const maxNesting = 50

// filterParser reads a filter from left to right.
type filterParser struct {
	rest   string
	sample item
	depth  int

	// The field and operator that the values in parentheses belong to, as in
	// state:(ENABLED OR DISABLED).
	field, op string
}

func parseFilter(text string, sample item) (predicate, bool) {
	f := &filterParser{rest: text, sample: sample}
	p, ok := f.all()
	f.space()
	return p, ok && f.rest == ""
}

func (f *filterParser) space() {
	f.rest = strings.TrimLeft(f.rest, " \t\n\r")
}

// word takes a keyword, which stands alone.
func (f *filterParser) word(w string) bool {
	f.space()
	rest, ok := strings.CutPrefix(f.rest, w)
	if !ok || rest != "" && !strings.ContainsAny(rest[:1], " \t\n\r()") {
		return false
	}
	f.rest = rest
	return true
}

// all is what AND, or nothing but space, joins.
func (f *filterParser) all() (predicate, bool) {
	var every []predicate
	for {
		p, ok := f.any()
		if !ok {
			return nil, false
		}
		every = append(every, p)
		if f.word("AND") {
			continue
		}
		if f.space(); f.rest == "" || f.rest[0] == ')' {
			break
		}
	}
	return func(it item) bool {
		return !slices.ContainsFunc(every, func(p predicate) bool { return !p(it) })
	}, true
}

// any is what OR joins.
func (f *filterParser) any() (predicate, bool) {
	var some []predicate
	for {
		p, ok := f.term()
		if !ok {
			return nil, false
		}
		some = append(some, p)
		if !f.word("OR") {
			break
		}
	}
	return func(it item) bool {
		return slices.ContainsFunc(some, func(p predicate) bool { return p(it) })
	}, true
}

// term is a restriction or parentheses, negated or not.
func (f *filterParser) term() (predicate, bool) {
	negated := f.word("NOT")
	if f.space(); !negated && strings.HasPrefix(f.rest, "-") {
		f.rest = f.rest[1:]
		negated = true
	}
	p, ok := f.simple()
	if !ok {
		return nil, false
	}
	if negated {
		return func(it item) bool { return !p(it) }, true
	}
	return p, true
}

func (f *filterParser) simple() (predicate, bool) {
	f.space()
	rest, ok := strings.CutPrefix(f.rest, "(")
	if !ok {
		return f.restriction()
	}
	if f.depth++; f.depth > maxNesting {
		return nil, false
	}
	f.rest = rest
	p, ok := f.all()
	f.depth--
	f.space()
	rest, closed := strings.CutPrefix(f.rest, ")")
	f.rest = rest
	return p, ok && closed
}

// operators, the longer ones first.
var operators = []string{"<=", ">=", "!=", "=", ":", "<", ">"}

// restriction is a field, an operator and a value, or a value alone.
func (f *filterParser) restriction() (predicate, bool) {
	if f.field != "" {
		value, ok := f.value()
		if !ok || value == "AND" || value == "OR" || value == "NOT" {
			return nil, false
		}
		return f.compare(f.field, f.op, value)
	}
	if strings.HasPrefix(f.rest, `"`) {
		value, ok := f.value()
		return nameHas(value), ok
	}
	end := strings.IndexAny(f.rest, " \t\n\r()<>=!:\"")
	if end < 0 {
		end = len(f.rest)
	}
	field := f.rest[:end]
	if field == "" || field == "AND" || field == "OR" || field == "NOT" {
		return nil, false
	}
	f.rest = f.rest[end:]
	before := f.rest
	f.space()
	for _, op := range operators {
		rest, ok := strings.CutPrefix(f.rest, op)
		if !ok {
			continue
		}
		f.rest = rest
		f.space()
		f.field, f.op = field, op
		p, ok := f.simple()
		f.field, f.op = "", ""
		return p, ok
	}
	f.rest = before
	return nameHas(field), true
}

func nameHas(part string) predicate {
	return func(it item) bool { return strings.Contains(it.text["name"], part) }
}

// value is text, in quotes or without space.
func (f *filterParser) value() (string, bool) {
	if !strings.HasPrefix(f.rest, `"`) {
		end := strings.IndexAny(f.rest, " \t\n\r()\"")
		if end < 0 {
			end = len(f.rest)
		}
		value := f.rest[:end]
		f.rest = f.rest[end:]
		return value, value != ""
	}
	var b strings.Builder
	for i := 1; i < len(f.rest); i++ {
		switch c := f.rest[i]; {
		case c == '"':
			f.rest = f.rest[i+1:]
			return b.String(), true
		case c == '\\' && i+1 < len(f.rest):
			i++
			b.WriteByte(f.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// compare is the predicate of a restriction, for a field that there is.
func (f *filterParser) compare(field, op, value string) (predicate, bool) {
	if _, ok := f.sample.text[field]; ok {
		return compareText(op, value, func(it item) []string { return []string{it.text[field]} })
	}
	if _, ok := f.sample.lists[field]; ok {
		return compareText(op, value, func(it item) []string { return it.lists[field] })
	}
	if _, ok := f.sample.times[field]; ok {
		return compareTime(op, value, func(it item) *timestamppb.Timestamp { return it.times[field] })
	}
	group, key, keyed := strings.Cut(field, ".")
	if _, ok := f.sample.maps[group]; !ok {
		return nil, false
	}
	if keyed {
		return compareText(op, value, func(it item) []string {
			if v, ok := it.maps[group][key]; ok {
				return []string{v}
			}
			return nil
		})
	}
	return func(it item) bool {
		_, ok := it.maps[group][value]
		return ok || value == "*" && len(it.maps[group]) > 0
	}, op == ":"
}

// compareText compares what there is of a field, which may be nothing or more
// than one: one that fits is enough.
func compareText(op, value string, get func(item) []string) (predicate, bool) {
	equal := func(it item) bool { return slices.Contains(get(it), value) }
	switch op {
	case ":":
		return func(it item) bool {
			return slices.ContainsFunc(get(it), func(got string) bool {
				return value == "*" || strings.Contains(got, value)
			})
		}, true
	case "=":
		return equal, true
	case "!=":
		return func(it item) bool { return !equal(it) }, true
	}
	return nil, false // an order of text is not documented
}

func compareTime(op, value string, get func(item) *timestamppb.Timestamp) (predicate, bool) {
	want, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		if want, err = time.Parse(time.DateOnly, value); err != nil {
			return nil, false
		}
	}
	holds := map[string]func(int) bool{
		":":  func(c int) bool { return c == 0 },
		"=":  func(c int) bool { return c == 0 },
		"!=": func(c int) bool { return c != 0 },
		"<":  func(c int) bool { return c < 0 },
		"<=": func(c int) bool { return c <= 0 },
		">":  func(c int) bool { return c > 0 },
		">=": func(c int) bool { return c >= 0 },
	}[op]
	return func(it item) bool {
		at := get(it)
		return at != nil && holds(at.AsTime().Compare(want))
	}, true
}
