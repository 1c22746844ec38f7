package main

import (
	"errors"
	"os"

	"github.com/syminit/syminit/internal/agent"
	"github.com/syminit/syminit/internal/status"
)

// examine prints what a run on this node would find. It returns 1 where
// something would keep the run from starting.
func examine(job, environ []string, stdout *os.File) int {
	cfg, facts, err := load(environ, command{args: job})
	run, others := here()
	report, ok := agent.Doctor(agent.DoctorConfig{
		Args: job, Environ: environ, Settings: cfg, Wrong: err, Facts: facts, Version: version, Here: run, Others: others,
	})
	code := write(stdout, report)
	if !ok {
		return 1
	}
	return code
}

// here is what the run in this container does now, "" where there is none; and
// that of another user on a shared host, which the doctor's node is no part of.
func here() (run, others string) {
	state, err := status.Find(agentName)
	other, forbidden := errors.AsType[*status.ForbiddenError](err)
	switch {
	case forbidden && other.Host:
		return "", err.Error()
	case forbidden:
		return err.Error(), ""
	case err != nil:
		return "", ""
	case state.State == "":
		return "starting", ""
	}
	return state.State, ""
}
