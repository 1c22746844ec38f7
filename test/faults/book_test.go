package faults

import (
	"fmt"
	"strings"
	"sync"
)

// end is that of a run, as a node has it.
type end struct {
	code  int
	again bool
	cause string
}

// book is what all nodes said of the ends of runs.
type book struct {
	mu      sync.Mutex
	order   map[string]int // of runs
	ends    map[string]map[string]end
	mistake []string
}

func newBook() *book {
	return &book{order: make(map[string]int), ends: make(map[string]map[string]end)}
}

func (b *book) began(run string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.order[run] == 0 {
		b.order[run] = len(b.order) + 1
	}
}

// ended compares an end with what the others said of that run. A node that lost
// the head, or whose agent was killed, knows nothing of the end, and says so.
func (b *book) ended(run, node string, e end) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if run == "" || strings.HasPrefix(e.cause, "lost the head") || strings.HasPrefix(e.cause, "the agent ended") {
		return
	}
	if b.ends[run] == nil {
		b.ends[run] = make(map[string]end)
	}
	for other, o := range b.ends[run] {
		if o.code != e.code || o.again != e.again {
			b.mistake = append(b.mistake, fmt.Sprintf("run %s ended on %s with %+v, on %s with %+v", run, node, e, other, o))
		}
	}
	b.ends[run][node] = e
}

// heard wants that so many nodes know of that end of a run.
func (b *book) heard(run string, nodes int, e end) {
	b.mu.Lock()
	defer b.mu.Unlock()
	know := 0
	for _, o := range b.ends[run] {
		if o.code == e.code && o.again == e.again {
			know++
		}
	}
	if know != nodes {
		b.mistake = append(b.mistake, fmt.Sprintf("run %s ended with %d, and %d nodes know: %+v", run, e.code, know, b.ends[run]))
	}
}

func (b *book) wrong(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mistake = append(b.mistake, fmt.Sprintf(format, args...))
}

func (b *book) mistakes() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mistake
}
