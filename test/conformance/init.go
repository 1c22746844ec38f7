package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Mode is how an init runs.
type Mode string

// The modes.
const (
	Process1  Mode = "process 1"
	Subreaper Mode = "subreaper"
)

// Modes lists both.
func Modes() []Mode { return []Mode{Process1, Subreaper} }

// An Init is a program under test.
type Init struct {
	Name    string
	Path    string
	Options map[Mode][]string // what it needs to run so; a mode that is not in here is one that it doesn't have
	Syminit bool              // this project's: has an agent and settings
}

// command is the whole command line that runs a job.
func (i Init) command(m Mode, job []string) []string {
	argv := append([]string{i.Path}, i.Options[m]...)
	return append(append(argv, "--"), job...)
}

// Syminit is the binary at path.
func Syminit(path string) Init {
	return Init{Name: "syminit", Path: path, Syminit: true, Options: map[Mode][]string{Process1: nil, Subreaper: nil}}
}

// Others finds the inits that syminit is compared with.
func Others() ([]Init, error) {
	list := []Init{
		{Name: "tini", Path: "tini", Options: map[Mode][]string{Process1: nil, Subreaper: {"-s"}}},
		{Name: "tini -g", Path: "tini", Options: map[Mode][]string{Process1: {"-g"}, Subreaper: {"-s", "-g"}}},
		{Name: "dumb-init", Path: "dumb-init", Options: map[Mode][]string{Process1: nil}},
		{Name: "catatonit", Path: "catatonit", Options: map[Mode][]string{Process1: nil, Subreaper: nil}},
	}
	for i := range list {
		path, err := exec.LookPath(list[i].Path)
		if err != nil {
			return nil, fmt.Errorf("%w: apt-get install tini dumb-init catatonit", err)
		}
		list[i].Path = path
	}
	return list, nil
}

// BinaryVariable names syminit's binary, in place of one built here.
const BinaryVariable = "SYMINIT_TEST_BINARY"

// Build builds syminit in dir as it is shipped, or finds the one that
// SYMINIT_TEST_BINARY names.
func Build(dir string) (string, error) {
	if path := os.Getenv(BinaryVariable); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "syminit")
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	cmd := exec.Command("make", "-s", "-C", strings.TrimSpace(string(root)), "build", "OUT="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build syminit: %w: %s", err, out)
	}
	return path, nil
}
