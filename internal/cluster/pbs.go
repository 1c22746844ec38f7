package cluster

import (
	"fmt"
	"strings"
)

// pbs is a task of a PBS or Torque job. PBS_NODEFILE names a file with a line
// for each slot: a host's name (https://github.com/openpbs/openpbs,
// doc/man1/qsub.1B; https://tier1.cenaero.be/en/node/104: it is written on the
// job's first host only). No variable has a rank: it is the own name's place in
// the file.
func pbs(e *env) (Facts, error) {
	const variable = "PBS_NODEFILE"
	if !e.has(variable) {
		return Facts{}, errAbsent
	}
	data, err := e.readFile(e.get(variable))
	if err != nil {
		return Facts{}, fmt.Errorf("read %s: %w; next: mount that file into the container (PBS writes it on the job's first host only: copy it to where all hosts see it), or set SYMINIT_CLUSTER=none", variable, err)
	}
	return e.listed(unique(strings.Fields(string(data))), variable)
}
