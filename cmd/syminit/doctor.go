package main

import (
	"os"

	"github.com/syminit/syminit/internal/agent"
)

// examine prints what a run on this node would find. It returns 1 where
// something would keep the run from starting.
func examine(job, environ []string, stdout *os.File) int {
	cfg, facts, err := load(environ, nil)
	report, ok := agent.Doctor(agent.DoctorConfig{Args: job, Environ: environ, Settings: cfg, Wrong: err, Facts: facts, Version: version})
	code := write(stdout, report)
	if !ok {
		return 1
	}
	return code
}
