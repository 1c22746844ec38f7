package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/syminit/syminit/test/conformance"
)

// patience is what each question to an init that hangs costs.
const patience = 15 * time.Second

// A key is one question to one init in one mode.
type key struct {
	theme, name, init string
	mode              conformance.Mode
}

// answers is every init's answer to every question.
type answers struct {
	inits []conformance.Init
	cases []conformance.Case
	of    map[key]conformance.Result
}

func keyOf(c conformance.Case, i conformance.Init, m conformance.Mode) key {
	return key{theme: c.Theme, name: c.Name, init: i.Name, mode: m}
}

// ask asks everything, some at a time. Each failure is told on standard error.
func ask(inits []conformance.Init, parallel int, dir string) answers {
	a := answers{inits: inits, cases: conformance.Cases(), of: make(map[key]conformance.Result)}
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, max(parallel, 1))
	for _, c := range a.cases {
		for _, i := range inits {
			for _, m := range conformance.Modes() {
				slots <- struct{}{}
				all.Go(func() {
					defer func() { <-slots }()
					got := c.Ask(conformance.Subject{Init: i, Mode: m, Dir: dir, Patience: patience})
					mu.Lock()
					defer mu.Unlock()
					a.of[keyOf(c, i, m)] = got
					for _, failure := range got.Failures {
						fmt.Fprintf(os.Stderr, "%s, %s, %s: %.1000s\n", i.Name, m, c.Name, failure)
					}
				})
			}
		}
	}
	all.Wait()
	return a
}

// markdown is a table a theme: a column an init, in each cell the two modes.
func (a answers) markdown() string {
	var b strings.Builder
	theme := ""
	for _, c := range a.cases {
		if c.Theme != theme {
			theme = c.Theme
			fmt.Fprintf(&b, "\n| %s |%s\n|---|%s\n", theme, a.row(func(i conformance.Init) string { return i.Name }), strings.Repeat("---|", len(a.inits)))
		}
		name := c.Name
		if c.Beyond {
			name += " *"
		}
		fmt.Fprintf(&b, "| %s |%s\n", name, a.row(func(i conformance.Init) string { return a.cell(c, i) }))
	}
	fmt.Fprintf(&b, "\n| passed / failed / not applicable |%s\n|---|%s\n", a.row(func(i conformance.Init) string { return i.Name }), strings.Repeat("---|", len(a.inits)))
	for _, m := range conformance.Modes() {
		fmt.Fprintf(&b, "| as %s |%s\n", m, a.row(func(i conformance.Init) string { return a.count(i, m) }))
	}
	return b.String() + "\n"
}

func (a answers) row(cell func(conformance.Init) string) string {
	var b strings.Builder
	for _, i := range a.inits {
		b.WriteString(" " + cell(i) + " |")
	}
	return b.String()
}

func word(r conformance.Result) string {
	switch {
	case r.NA != "":
		return "n/a"
	case len(r.Failures) > 0:
		return "**no**"
	}
	return "yes"
}

// cell is one word where both modes agree.
func (a answers) cell(c conformance.Case, i conformance.Init) string {
	one := word(a.of[keyOf(c, i, conformance.Process1)])
	other := word(a.of[keyOf(c, i, conformance.Subreaper)])
	if one == other {
		return one
	}
	return one + " / " + other
}

func (a answers) count(i conformance.Init, m conformance.Mode) string {
	count := make(map[string]int)
	for _, c := range a.cases {
		count[word(a.of[keyOf(c, i, m)])]++
	}
	return fmt.Sprintf("%d / %d / %d", count["yes"], count["**no**"], count["n/a"])
}
