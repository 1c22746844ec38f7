package conformance

import (
	"encoding/json"
	"fmt"
	"os"
)

// A setup is the world that an init is started in. What is not set is as in a
// container: no signal blocked or ignored, a session of its own, and the
// descriptors 0 to 2.
type setup struct {
	Mode   Mode
	Direct bool // the job in the init's place: what the init's job is compared with

	Argv    [][]byte // bytes: JSON has no strings that aren't UTF-8
	Env     [][]byte
	Dir     string
	Blocked []int
	Ignored []int
	Files   *[2]uint64 // RLIMIT_NOFILE, soft and hard
	Umask   *int
	Nice    int
	OOM     int   // oom_score_adj
	Keep    []int // numbers for the files that are passed on
	Closed  []int // descriptors
	Dead    int   // children that are dead and not waited for

	Terminal terminalUse
}

// terminalUse says what the terminal on descriptors 0 to 2 is to the init.
type terminalUse int

const (
	noTerminal  terminalUse = iota
	ownTerminal             // the init leads the terminal's session, as in docker run -it
	foreground              // a shell leads the session and runs the init in the foreground
	background              // the same, in the background
)

func (u terminalUse) ofShell() bool { return u == foreground || u == background }

func (s setup) write(path string) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

func readSetup(path string) (s setup, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", path, err)
	}
	return s, nil
}

func toBytes(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

func toStrings(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}
