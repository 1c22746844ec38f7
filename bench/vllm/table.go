package main

import (
	"fmt"
	"strings"
)

// table is one row for each event and mode that has been measured.
func table(results map[string]result) string {
	var b strings.Builder
	fmt.Fprintln(&b, "| event | mode | vLLM by itself | under syminit |\n|---|---|---|---|")
	for _, e := range events {
		for _, m := range modes {
			byItself, ours := measurement{e, m, false}, measurement{e, m, true}
			_, one := results[byItself.name()]
			_, other := results[ours.name()]
			if one || other {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", e.name, m.name, cell(results, byItself), cell(results, ours))
			}
		}
	}
	return "\n" + b.String()
}

func cell(results map[string]result, m measurement) string {
	r, there := results[m.name()]
	if !there {
		return "not measured"
	}
	text := r.String()
	if m.inFlight > 0 {
		text += fmt.Sprintf("; %d of the requests answered", r.Answers)
	}
	return text
}
