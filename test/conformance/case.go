package conformance

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Case is one question.
type Case struct {
	Theme, Name string

	// NA says why the question can't be asked, if it can't.
	NA func(Init, Mode) string

	// Beyond marks what syminit doesn't promise: the table asks it of every
	// init, the tests don't ask it of syminit.
	Beyond bool

	check func(*Trial)
}

// Cases lists every case, theme by theme.
func Cases() []Case {
	var all []Case
	for _, theme := range []struct {
		name  string
		cases []Case
	}{
		{"Signals", signalCases()},
		{"Terminal", terminalCases()},
		{"The job's world", worldCases()},
		{"Reaping", reapingCases()},
		{"Exit codes", codeCases()},
		{"The end", endCases()},
	} {
		for _, c := range theme.cases {
			c.Theme = theme.name
			all = append(all, c)
		}
	}
	return all
}

// A Result is the answer. It is yes if neither field is set.
type Result struct {
	NA       string   // why it does not apply
	Failures []string // what went wrong
}

// A Subject is what a question is put to.
type Subject struct {
	Init Init
	Mode Mode
	Dir  string // where a case's files go

	// Patience is how long what must happen may take: it is what an init that
	// hangs costs, and no case depends on its being short.
	Patience time.Duration
}

// Ask runs the case.
func (c Case) Ask(s Subject) Result {
	i, m := s.Init, s.Mode
	if _, ok := i.Options[m]; !ok {
		return Result{NA: "has no such mode"}
	}
	if c.NA != nil {
		if why := c.NA(i, m); why != "" {
			return Result{NA: why}
		}
	}
	t := &Trial{Subject: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.finish()
		c.check(t)
	}()
	<-done
	return Result{Failures: t.failures}
}

// A Trial is one case with one init in one mode.
type Trial struct {
	Subject

	mu       sync.Mutex
	failures []string
	cleanups []func()
}

// Errorf notes a failure.
func (t *Trial) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// Fatalf notes a failure and ends the trial.
func (t *Trial) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// must ends the trial if something failed that is none of the init's doing.
func (t *Trial) must(what string, err error) {
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func (t *Trial) cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *Trial) finish() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

// file makes an empty file.
func (t *Trial) file(pattern string) *os.File {
	f, err := os.CreateTemp(t.Dir, pattern)
	t.must("make a file", err)
	t.cleanup(func() { _ = f.Close() })
	return f
}
