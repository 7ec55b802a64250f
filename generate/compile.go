package generate

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mostErrors is how many errors of the compiler are told.
const mostErrors = 10

// compileErrors makes an error of what the compiler says of packages.
func (r *run) compileErrors(broken []*packages.Package) error {
	var all []Problem
	for _, p := range broken {
		all = append(all, r.errorsOf(p)...)
	}
	if i := slices.IndexFunc(r.leftOut, func(f string) bool { return filepath.Base(f) != GoFile }); i >= 0 {
		all = append(all, Problem{
			What: r.rel(r.leftOut[i]) + " does not compile without " + GoFile + " and was left out",
			Do:   "declarations and their types can't need it: move them to a package of their own",
		})
	}
	return problems(first(all))
}

// first keeps the first errors and says how many more there are.
func first(all []Problem) []Problem {
	if len(all) <= mostErrors {
		return all
	}
	rest := len(all) - mostErrors
	return append(all[:mostErrors:mostErrors], Problem{What: "and " + strconv.Itoa(rest) + " more errors"})
}

// errorsOf lists the errors of a package, each once: what go list says besides of the
// sources is what the types say in other words.
func (r *run) errorsOf(p *packages.Package) (all []Problem) {
	for _, e := range p.Errors {
		if e.Kind == packages.ListError {
			continue
		}
		one := r.compileError(e)
		if rest, ok := strings.CutPrefix(e.Msg, "could not import "); ok {
			path, _, _ := strings.Cut(rest, " ")
			if dep := p.Imports[path]; dep != nil && len(dep.Errors) > 0 {
				one.What = oneLine(dep.Errors[0].Msg) // which says why
			}
		}
		all = append(all, one)
	}
	if len(all) > 0 {
		return all
	}
	for _, e := range p.Errors {
		if e.Pos == "" || e.Pos == "-" {
			all = append(all, r.printedErrors(e.Msg)...)
		} else {
			all = append(all, r.compileError(e))
		}
	}
	return all
}

func (r *run) compileError(e packages.Error) Problem {
	p := Problem{What: oneLine(e.Msg)}
	if m := place.FindStringSubmatch(e.Pos + ": "); m != nil {
		p.File = r.rel(r.abs(m[1]))
		p.Line, _ = strconv.Atoi(m[2])
		p.Column, _ = strconv.Atoi(m[3])
	}
	return p
}

// abs is a file as the go command names it: from the folder where it was run.
func (r *run) abs(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(r.dir, file)
}

// place is how the go command begins an error: file:line:col, or file:line.
var place = regexp.MustCompile(`^(.+?\.\w+):(\d+)(?::(\d+))?: `)

// goFailed makes an error of what the go command printed. That is of the
// sources and of modules, and no program of the user's has been run.
func (r *run) goFailed(printed, otherwise string) error {
	if _, stderr, ok := strings.Cut(printed, "stderr: "); ok && stderr != "" {
		printed = stderr // what go/packages puts around it says no more
	}
	all := r.printedErrors(printed)
	if len(all) == 0 {
		return problem(otherwise, "try go build there")
	}
	return problems(first(all))
}

func (r *run) printedErrors(printed string) (all []Problem) {
	for line := range strings.Lines(printed) {
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "# ") || text == "too many errors" {
			continue
		}
		if m := place.FindStringSubmatch(line); m != nil {
			p := Problem{File: r.rel(r.abs(m[1])), What: oneLine(line[len(m[0]):])}
			p.Line, _ = strconv.Atoi(m[2])
			p.Column, _ = strconv.Atoi(m[3])
			all = append(all, p)
			continue
		}
		if line != text && len(all) > 0 { // it goes on
			all[len(all)-1].What += " " + oneLine(text)
			continue
		}
		all = append(all, Problem{What: oneLine(text)})
	}
	return all
}

// oneLine makes one line of several.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
