package preflight

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

const (
	maxNames = 3  // of nodes in a row
	maxRows  = 40 // of a table
)

// A Row is one finding on all nodes that have it.
type Row struct {
	Finding // less its Node

	Nodes []string
}

// Rows puts the same finding on several nodes into one row, the worst first.
func Rows(found []Finding) []Row {
	var rows []Row
	at := make(map[Finding]int)
	for _, f := range found {
		node := f.Node
		f.Node = ""
		i, ok := at[f]
		if !ok {
			i = len(rows)
			at[f] = i
			rows = append(rows, Row{Finding: f})
		}
		if !slices.Contains(rows[i].Nodes[max(0, len(rows[i].Nodes)-1):], node) {
			rows[i].Nodes = append(rows[i].Nodes, node)
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return int(b.Severity) - int(a.Severity) })
	return rows
}

// Names names the row's nodes, as far as a line holds them.
func (r Row) Names() string {
	names := strings.Join(r.Nodes[:min(len(r.Nodes), maxNames)], ", ")
	if more := len(r.Nodes) - maxNames; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return names
}

// Table is rows for a person, a line each, headings first.
func Table(rows []Row) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "  NODE\tCHECK\tFOUND\tWHAT TO DO")
	for _, r := range rows[:min(len(rows), maxRows)] {
		_, _ = fmt.Fprintf(w, "  %s\t%s\t%s: %s\t%s\n", r.Names(), r.Check, r.Severity, r.Text, r.Fix)
	}
	_ = w.Flush()
	if more := len(rows) - maxRows; more > 0 {
		fmt.Fprintf(&b, "  and %d rows more\n", more)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Count says how many errors and warnings there are, in words.
func Count(rows []Row) string {
	var parts []string
	for _, s := range []Severity{Error, Warning, Note} {
		n := 0
		for _, r := range rows {
			if r.Severity == s {
				n++
			}
		}
		switch {
		case n == 1:
			parts = append(parts, "1 "+s.String())
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	if last := len(parts) - 1; last > 0 {
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return strings.Join(parts, "")
}

// Reasons is rows in one line, for the cause of an end.
func Reasons(rows []Row) string {
	texts := make([]string, 0, maxNames+1)
	for i, r := range rows {
		if i == maxNames {
			texts = append(texts, fmt.Sprintf("and %d more", len(rows)-maxNames))
			break
		}
		texts = append(texts, fmt.Sprintf("%s: %s: %s (%s)", r.Names(), r.Check, r.Text, r.Fix))
	}
	return strings.Join(texts, "; ")
}
