package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// lsf is a task of an LSF job. LSB_MCPU_HOSTS is "hostA 4 hostB 2", the host
// with the batch script first
// (https://www.ibm.com/support/knowledgecenter/en/SSWRJV_10.1.0/lsf_config_ref/lsf_envars_job_exec.html
// for the variables; scripts that start torchrun under LSF read this one so).
// No variable has a rank: it is the own name's place in the list.
func lsf(e *env) (Facts, error) {
	const list = "LSB_MCPU_HOSTS"
	if !e.has(list) {
		return Facts{}, errAbsent
	}
	words := strings.Fields(e.get(list))
	var names []string
	for i := 0; i+1 < len(words); i += 2 {
		if _, err := strconv.ParseUint(words[i+1], 10, 31); err != nil {
			return Facts{}, fmt.Errorf("%s: %.40q is not a number of slots; next: pass it on as it was set, or SYMINIT_CLUSTER=none", list, words[i+1])
		}
		names = append(names, words[i])
	}
	return e.listed(unique(names), list)
}

// listed is this node's place in a list of all nodes.
func (e *env) listed(names []string, from string) (Facts, error) {
	switch len(names) {
	case 0:
		return Facts{}, fmt.Errorf("%s names no hosts; next: pass it on as it was set, or SYMINIT_CLUSTER=none", from)
	case 1:
		return Facts{Nodes: 1, Head: names[0], Names: names}, nil
	}
	rank, err := e.position(names, from)
	if err != nil {
		return Facts{}, err
	}
	return Facts{Nodes: len(names), Rank: rank, Head: names[0], Names: names}, nil
}

// unique drops what has come before.
func unique(names []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	return all
}
