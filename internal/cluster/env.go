package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// env is what the sources read.
type env struct {
	vars     map[string]string
	hostname string
	readFile func(name string) ([]byte, error)
}

func newEnv(c Config) *env {
	e := &env{vars: make(map[string]string, len(c.Environ)), hostname: c.Hostname, readFile: c.ReadFile}
	for _, entry := range c.Environ {
		name, value, ok := strings.Cut(entry, "=")
		if _, twice := e.vars[name]; ok && !twice {
			e.vars[name] = strings.TrimSpace(value)
		}
	}
	return e
}

// get returns a variable's value; an empty one is an unset one.
func (e *env) get(name string) string { return e.vars[name] }

// has reports whether all of the variables are set.
func (e *env) has(names ...string) bool {
	for _, name := range names {
		if e.get(name) == "" {
			return false
		}
	}
	return true
}

// first returns the first of the names that is set, else the last.
func (e *env) first(names ...string) string {
	for _, name := range names {
		if e.get(name) != "" {
			return name
		}
	}
	return names[len(names)-1]
}

// number reads a count, or a rank, that is at least least.
func (e *env) number(name string, least int) (int, error) {
	const bits = 31
	n, err := strconv.ParseUint(e.get(name), 10, bits)
	if err != nil || int(n) < least {
		return 0, fmt.Errorf("%s=%.40q is not a whole number from %d up; next: pass it on as it was set, or SYMINIT_CLUSTER=none", name, e.get(name), least)
	}
	return int(n), nil
}

// pair reads a size and a rank, and checks them against each other.
func (e *env) pair(size, rank string) (f Facts, err error) {
	if f.Nodes, err = e.number(size, 1); err != nil {
		return Facts{}, err
	}
	if f.Rank, err = e.number(rank, 0); err != nil {
		return Facts{}, err
	}
	return ranked(f, size, rank)
}
