package main

import (
	"fmt"
	"strings"
)

// table is one row for each event and mode.
func table(results map[string]result) string {
	var b strings.Builder
	fmt.Fprintln(&b, "| event | mode | vLLM by itself | under syminit |\n|---|---|---|---|")
	for _, e := range events {
		for _, m := range modes {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", e.name, m.name,
				cell(results, measurement{e, m, false}), cell(results, measurement{e, m, true}))
		}
	}
	return "\n" + b.String()
}

func cell(results map[string]result, m measurement) string {
	r, there := results[m.name()]
	if !there {
		return "not measured"
	}
	return r.String()
}
