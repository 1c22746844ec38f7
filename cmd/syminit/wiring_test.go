package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// The run is told to stop before Slurm ends the job, here so long before that
// it is at once.
func TestEndOfSlurmJob(t *testing.T) {
	inBothWorlds(t, func(t *testing.T, command func(string, ...string) *exec.Cmd) {
		cmd := command(`exec "$@"`, syminit(t), "sleep", "60")
		cmd.Env = append(os.Environ(), "SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=1",
			fmt.Sprintf("SLURM_JOB_END_TIME=%d", time.Now().Add(time.Hour).Unix()), "SYMINIT_END_MARGIN=1h")
		s := start(t, cmd)
		s.end(128 + int(syscall.SIGTERM))
		if !s.says("before slurm ends the job at") {
			t.Error("it isn't said why")
		}
	})
}

// What is odd about settings that are right is said, and no secret with it.
func TestWeakSecret(t *testing.T) {
	for secret, weak := range map[string]bool{"hunter2": true, "00112233445566778899aabbccddeeff": false} {
		cmd := exec.Command(syminit(t), "true")
		cmd.Env = append(os.Environ(), "SYMINIT_TOKEN="+secret)
		s := start(t, cmd)
		s.end(0)
		if s.says("can be guessed") != weak || s.says(secret) {
			log, _ := os.ReadFile(s.log)
			t.Errorf("with the secret %s:\n%s", secret, log)
		}
	}
}
