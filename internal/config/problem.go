package config

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A fault is what is wrong with one value, without the value itself. next is
// the next step; empty means that there is nothing better than to correct it.
type fault struct{ reason, next string }

func (f *fault) Error() string { return f.reason }

// A problem is one line of the error about a configuration.
type problem struct {
	name     string
	value    string // as shown; "" when it must not be, or isn't the point
	source   string // who gave the value
	accepted string
	fault
}

func (p *problem) Error() string {
	var b strings.Builder
	b.WriteString(p.name)
	if p.value != "" {
		b.WriteString("=" + quote(p.value))
	}
	if p.source != "" && p.source != SourceEnvironment {
		b.WriteString(" (from " + p.source + ")")
	}
	b.WriteString(": " + p.reason)
	if p.accepted != "" {
		b.WriteString("; accepted: " + p.accepted)
	}
	return b.String() + "; next: " + p.next
}

// problemOf fills a problem in from the variable's row and the setting.
func (v *variable) problemOf(s setting, f fault) *problem {
	if f.next == "" {
		f.next = "correct it or unset it"
		switch {
		case s.source == SourceCommandLine: // to set it too would be an error
			f.next = "correct it there"
		case s.source != SourceEnvironment:
			f.next = "correct it there, or set " + v.name
		case v.def != "":
			f.next += " (default " + v.def + ")"
		}
	}
	return &problem{name: v.name, value: shown(v.name, s.text), source: s.source, accepted: v.accepted(), fault: f}
}

// quote makes any value safe and short enough for one log line.
func quote(value string) string {
	const most = 100
	if len(value) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(value[cut]) {
			cut--
		}
		value = value[:cut] + "..."
	}
	return strconv.Quote(value)
}

// nearest returns the name with the smallest edit distance to name.
func nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is Levenshtein's: the fewest insertions, deletions and
// replacements of a byte that make b out of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// quoteName returns a variable's name, quoted if it isn't a plain one.
func quoteName(name string) string {
	if quoted := quote(name); quoted != `"`+name+`"` || strings.ContainsAny(name, " ;:") {
		return quoted
	}
	return name
}
