package conformance

import (
	_ "embed"
	"os/exec"
)

// The jobs that need more than a shell.
var (
	//go:embed jobs/signals.py
	signalsJob string
	//go:embed jobs/group.py
	groupJob string
	//go:embed jobs/winsize.py
	winsizeJob string
	//go:embed jobs/orphans.py
	orphansJob string
	//go:embed jobs/zombies.py
	zombiesJob string
)

// python is a job in Python, without what its installation would add.
func (t *Trial) python(program string, args ...string) []string {
	path, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		path, err = exec.LookPath("python3")
	}
	t.must("these jobs need Python 3", err)
	return append([]string{path, "-I", "-S", "-c", program}, args...)
}

func shell(script string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", script, "sh"}, args...)
}
