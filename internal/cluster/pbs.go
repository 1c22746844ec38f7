package cluster

import (
	"fmt"
	"strings"
)

// pbs is a task of a PBS or Torque job. PBS_NODEFILE names a file with a line
// for each slot: a host's name (qsub(1B) of OpenPBS,
// https://github.com/openpbs/openpbs). No variable has a rank: it is the own
// name's place in the file.
func pbs(e *env) (Facts, error) {
	const variable = "PBS_NODEFILE"
	if !e.has(variable) {
		return Facts{}, errAbsent
	}
	data, err := e.readFile(e.get(variable))
	if err != nil {
		return Facts{}, fmt.Errorf("read %s: %w; next: mount that file into the container, or set SYMINIT_CLUSTER=none", variable, err)
	}
	return e.listed(unique(strings.Fields(string(data))), variable)
}
