package lint

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const allowPrefix = "//lukko:allow"

// allowance is a comment that says that something is on purpose.
type allowance struct {
	pos, end token.Pos
	rule     string
	reason   string
	used     bool
}

// allowances holds those of a package, by file and line.
type allowances map[string]map[int][]*allowance

// allowancesOf reads the comments of the files that findings are about.
func (e *engine) allowancesOf() allowances {
	all := allowances{}
	for _, f := range e.pass.Files {
		if !e.judged[f] {
			continue
		}
		for _, group := range f.Comments {
			for _, c := range group.List {
				rest, ok := strings.CutPrefix(c.Text, allowPrefix)
				if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
					continue
				}
				rest, _, _ = strings.Cut(rest, "//") // another comment gives no reason
				rule, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
				a := &allowance{pos: c.Pos(), end: c.End(), rule: rule, reason: strings.TrimSpace(reason)}
				p := e.pass.Fset.Position(c.Pos())
				if all[p.Filename] == nil {
					all[p.Filename] = map[int][]*allowance{}
				}
				all[p.Filename][p.Line] = append(all[p.Filename][p.Line], a)
			}
		}
	}
	return all
}

// allowed reports whether a comment allows rule at pos: on its line, on the
// line above, or there for the statement, field or declaration around it.
func (e *engine) allowed(rule string, pos token.Pos) bool {
	for _, at := range []token.Pos{pos, e.around(pos)} {
		p := e.pass.Fset.Position(at)
		for _, line := range []int{p.Line, p.Line - 1} {
			for _, a := range e.allows[p.Filename][line] {
				if a.rule == rule && a.reason != "" {
					a.used = true
					return true
				}
			}
		}
	}
	return false
}

// around returns where the innermost statement, field or specification begins
// that holds pos.
func (e *engine) around(pos token.Pos) token.Pos {
	start := pos
	for _, f := range e.pass.Files {
		if f.FileStart > pos || pos >= f.FileEnd {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if n == nil || n.Pos() > pos || pos >= n.End() {
				return false
			}
			switch n.(type) {
			case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
			case ast.Stmt, ast.Spec, *ast.Field, *ast.KeyValueExpr:
				start = n.Pos()
			}
			return true
		})
	}
	return start
}

// judgeAllowances reports comments that say too little or allow nothing.
func (e *engine) judgeAllowances() {
	for _, lines := range e.allows {
		for _, list := range lines {
			for _, a := range list {
				var text string
				var fixes []analysis.SuggestedFix
				switch {
				case !isRule(a.rule) || a.rule == Allow:
					text = "this comment names no rule: write //lukko:allow RULE reason, with one of " +
						strings.Join(ruleNames[:len(ruleNames)-1], ", ")
				case a.reason == "":
					text = "this comment gives no reason, so it allows nothing: write //lukko:allow " + a.rule + " and why this is on purpose"
				case !a.used && a.rule != Unread: // which is judged elsewhere
					text = "this comment allows nothing, since rule " + a.rule + " finds nothing here: remove it"
					fixes = []analysis.SuggestedFix{{
						Message:   "Remove the comment",
						TextEdits: []analysis.TextEdit{{Pos: a.pos, End: a.end}},
					}}
				default:
					continue
				}
				e.add(Allow, analysis.Diagnostic{Pos: a.pos, End: a.end, Message: text, SuggestedFixes: fixes})
			}
		}
	}
}
