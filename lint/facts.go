package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// packageFact is what is known of a package and of all that it imports. It is
// handed on as a whole, since a driver need not show a package the facts of
// those that it imports indirectly.
type packageFact struct {
	Decls []declaration
	// Read holds the keys of declarations that something reads.
	Read []string
	// Getters lists the generated methods that read a declaration. Facts have
	// no maps, since the same fact must always be the same bytes.
	Getters []getter
	// Used lists ids that can be judged at package main only.
	Used []usedID
	// Open says that an id of a declaration can't be told.
	Open bool
	// WholeDefault and WholeOther say that the declarations of schema.Default,
	// or of another set, are used by going through the set.
	WholeDefault, WholeOther bool
	// SecretFields lists the plain strings of declared secrets:
	// "path/of/package.Type.Field".
	SecretFields []string
	// Packages lists the packages of the module that were looked at.
	Packages []string
}

func (*packageFact) AFact() {}

func (f *packageFact) String() string { return fmt.Sprintf("%d declarations", len(f.Decls)) }

func (f *packageFact) empty() bool {
	return len(f.Decls) == 0 && len(f.Used) == 0 && !f.Open && !f.WholeDefault && !f.WholeOther && len(f.Packages) == 0 && len(f.SecretFields) == 0
}

// declaration is a call of Declare or one of its siblings.
type declaration struct {
	Key      string // of its variable, "path/of/package.Name"; empty where it is none of a package
	Name     string // of the variable
	ID       string
	Module   string
	Place    string // "billing/stripe.go:12", below the root of the module
	Variable bool
	Other    bool // in another set than schema.Default
	Allowed  bool // to be unread
}

// getter is a generated method that reads the declaration of the key.
type getter struct{ Key, Name string }

// usedID is a constant id that was given to a service, or, with an empty ID,
// one that is no constant.
type usedID struct{ ID, Place, Module string }

// funcFact is what is known of a function.
type funcFact struct {
	// IDs lists the parameters that it hands on as ids. The receiver is none.
	IDs []int
	// Loads says that it loads secrets whenever it is called.
	Loads bool
	// Reads lists the declarations that a generated function reads.
	Reads []string
	// Flow is where its parameters go.
	Flow flowFact
}

func (*funcFact) AFact() {}

func (f *funcFact) String() string {
	var parts []string
	if len(f.IDs) > 0 {
		parts = append(parts, fmt.Sprintf("ids %v", f.IDs))
	}
	if f.Loads {
		parts = append(parts, "loads")
	}
	if len(f.Reads) > 0 {
		parts = append(parts, fmt.Sprintf("reads %v", f.Reads))
	}
	if !f.Flow.empty() {
		parts = append(parts, "flows")
	}
	return strings.Join(parts, "; ")
}

func (f *funcFact) empty() bool {
	return len(f.IDs) == 0 && !f.Loads && len(f.Reads) == 0 && f.Flow.empty()
}

// flowFact is where what a function takes and what it reveals goes. Parameters
// are those of SSA: the receiver is the first.
type flowFact struct {
	Sinks   []paramSink
	Results []resultFlow
}

// paramSink says that a parameter ends in a sink.
type paramSink struct {
	Param int
	Where string // "a log"
	// Inner says that only a value inside of a longer one is wrong there.
	Inner bool
}

// resultFlow says what a result is made of.
type resultFlow struct {
	Result   int
	Revealed bool
	Bits     uint8 // of the revealed value
	Params   []int
	Via      uint8 // what becomes of a parameter on the way
}

// sort makes the order one that does not depend on the order of the work.
func (f flowFact) sort() {
	slices.SortFunc(f.Sinks, func(a, b paramSink) int {
		return cmp.Or(cmp.Compare(a.Param, b.Param), cmp.Compare(a.Where, b.Where), compareBools(a.Inner, b.Inner))
	})
	slices.SortFunc(f.Results, func(a, b resultFlow) int { return cmp.Compare(a.Result, b.Result) })
	for _, r := range f.Results {
		slices.Sort(r.Params)
	}
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (f flowFact) empty() bool { return len(f.Sinks) == 0 && len(f.Results) == 0 }
