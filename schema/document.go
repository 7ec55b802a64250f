package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A document is parsed into a tree of map[string]any, []any, string,
// json.Number, bool and nil: what the validator takes.

const (
	// maxDepth bounds the nesting of documents, well below what the stack can
	// take.
	maxDepth = 200

	// maxExponent bounds the exponents of numbers. The validator computes with
	// fractions, and 1e999999999 would need a gigabyte.
	maxExponent = 1000
)

// A fault is one thing that is wrong at a path of a document.
type fault struct {
	path   []string
	rule   string
	detail string
}

// parse makes a tree of a JSON document. It is stricter than encoding/json,
// which changes what it can't keep: repeated names, lone surrogates and
// invalid UTF-8 are faults. If the tree is nil beside faults, there is none.
func parse(data []byte) (tree any, faults []fault) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, []fault{{rule: RuleJSON, detail: "it is empty"}}
	}
	if !utf8.Valid(data) {
		return nil, []fault{{rule: RuleUnicode, detail: "it is no valid UTF-8"}}
	}
	if !json.Valid(data) {
		return nil, []fault{{rule: RuleJSON, detail: "it is no JSON document" + syntaxPlace(data)}}
	}
	p := parser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	tree, err := p.value(nil)
	if err != nil {
		return nil, []fault{{rule: RuleJSON, detail: err.Error()}}
	}
	return tree, p.faults
}

// syntaxPlace tells where JSON ends to be JSON: a number, and nothing of what
// is there.
func syntaxPlace(data []byte) string {
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, new(any)); errors.As(err, &syntax) {
		return ": it breaks off or goes wrong at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	return ""
}

type parser struct {
	data   []byte
	dec    *json.Decoder
	faults []fault
}

var errTooDeep = errors.New("it is nested more than " + strconv.Itoa(maxDepth) + " deep")

// token returns the next token. A string that Go changed is a fault.
func (p *parser) token(path []string) (json.Token, error) {
	start := p.dec.InputOffset()
	t, err := p.dec.Token()
	if err != nil {
		return nil, errors.New("it is no JSON document") // its own text may quote
	}
	if _, ok := t.(string); ok && hasLoneSurrogate(p.data[start:p.dec.InputOffset()]) {
		p.faults = append(p.faults, fault{path, RuleUnicode, "a string has a lone surrogate, which can't be kept"})
	}
	return t, nil
}

// value parses one value. Paths share their backing arrays only as far as
// they are equal.
func (p *parser) value(path []string) (any, error) {
	if len(path) > maxDepth {
		return nil, errTooDeep
	}
	t, err := p.token(path)
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return p.object(path)
		}
		return p.array(path)
	case json.Number:
		if !isModest(t) {
			p.faults = append(p.faults, fault{path, RuleNumber, "the exponent is out of bounds; at most " + strconv.Itoa(maxExponent)})
			return json.Number("0"), nil
		}
		return t, nil
	default:
		return t, nil
	}
}

func (p *parser) object(path []string) (any, error) {
	object := map[string]any{}
	for p.dec.More() {
		t, err := p.token(path)
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		at := append(path[:len(path):len(path)], name)
		v, err := p.value(at)
		if err != nil {
			return nil, err
		}
		if _, twice := object[name]; twice {
			p.faults = append(p.faults, fault{at, RuleDuplicate, "the name is there twice"})
			continue
		}
		object[name] = v
	}
	_, err := p.token(path)
	return object, err
}

func (p *parser) array(path []string) (any, error) {
	array := []any{}
	for p.dec.More() {
		v, err := p.value(append(path[:len(path):len(path)], strconv.Itoa(len(array))))
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	_, err := p.token(path)
	return array, err
}

// isModest reports whether a number can be computed with.
func isModest(n json.Number) bool {
	_, exponent, ok := strings.Cut(strings.ToLower(string(n)), "e")
	if !ok {
		return true
	}
	e, err := strconv.Atoi(exponent)
	return err == nil && -maxExponent <= e && e <= maxExponent
}

// isNumber reports whether s is a number as JSON writes it.
func isNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	return json.Valid([]byte(s)) && strings.TrimSpace(s) == s
}

// hasLoneSurrogate reports whether JSON text has a \u escape of half a
// surrogate pair. Escapes are in strings only, so any valid text will do.
func hasLoneSurrogate(text []byte) bool {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		r := hex4(text[i+1:])
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		rest := text[i+1:]
		if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' || utf16.DecodeRune(r, hex4(rest[2:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// hex4 reads four hexadecimal digits of valid JSON text.
func hex4(text []byte) rune {
	r, err := strconv.ParseUint(string(text[:min(4, len(text))]), 16, 32)
	if err != nil {
		return 0
	}
	return rune(r)
}

// write makes a JSON document of a tree: compact, names in byte order, and
// numbers as they are.
func write(tree any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil // no tree
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// pointer is the JSON pointer of a path (RFC 6901).
func pointer(path []string) string {
	var b strings.Builder
	for _, name := range path {
		b.WriteByte('/')
		_, _ = io.WriteString(&b, strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return b.String()
}

// clone copies a tree.
func clone(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		c := make(map[string]any, len(t))
		for name, v := range t {
			c[name] = clone(v)
		}
		return c
	case []any:
		c := make([]any, len(t))
		for i, v := range t {
			c[i] = clone(v)
		}
		return c
	default:
		return t
	}
}
