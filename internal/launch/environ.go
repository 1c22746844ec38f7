package launch

import (
	"slices"
	"strings"
)

// environ is a process environment as execve takes it. Entries keep their
// bytes and their order, whether they are NAME=VALUE or not.
type environ []string

// lookup returns the value of a variable; as in getenv(3), the first entry
// counts.
func (e environ) lookup(name string) (value string, ok bool) {
	for _, entry := range e {
		if key, value, ok := strings.Cut(entry, "="); ok && key == name {
			return value, true
		}
	}
	return "", false
}

// without returns a copy that lacks the named variables.
func (e environ) without(names ...string) environ {
	return slices.DeleteFunc(slices.Clone(e), func(entry string) bool {
		key, _, ok := strings.Cut(entry, "=")
		return ok && slices.Contains(names, key)
	})
}

// with returns a copy to which the variables that e lacks are appended. One
// that is set, even to nothing, is somebody's decision and stays.
func (e environ) with(vars ...variable) environ {
	e = slices.Clone(e)
	for _, v := range vars {
		if _, ok := e.lookup(v.name); !ok {
			e = append(e, v.name+"="+v.value)
		}
	}
	return e
}

// replacing returns a copy in which the variables have these values, whatever
// they had before.
func (e environ) replacing(vars ...variable) environ {
	for _, v := range vars {
		e = e.without(v.name)
	}
	return e.with(vars...)
}

// variable is a variable with its value.
type variable struct{ name, value string }
