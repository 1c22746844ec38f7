package faults

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// program is a process in a container, as the host sees it.
type program struct {
	pid  int
	name string // syminit for process 1, syminit-agent, ray, raylet, job, stray
}

// inside lists a container's processes.
func (h *host) inside() (all []program) {
	h.mu.Lock()
	cmd := h.cmd
	h.mu.Unlock()
	if cmd == nil {
		return nil
	}
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", cmd.Process.Pid))
	if err != nil {
		return nil
	}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if ns, err2 := os.Readlink(dir + "/ns/pid"); err != nil || err2 != nil || ns != namespace {
			continue
		}
		name, err := os.ReadFile(dir + "/comm")
		if err == nil {
			all = append(all, program{pid, strings.TrimSpace(string(name))})
		}
	}
	return all
}

// find returns a process of that name, 0 if there is none.
func (h *host) find(name string) int {
	for _, p := range h.inside() {
		if p.name == name {
			return p.pid
		}
	}
	return 0
}

func (h *host) signal(name string, s syscall.Signal) bool {
	pid := h.find(name)
	return pid != 0 && syscall.Kill(pid, s) == nil
}

// wants is what a node in a run has.
type wants struct {
	names []string
	ports []int
}

var (
	ofHead   = wants{[]string{"job", "ray", "raylet", "stray", "syminit", "syminit-agent"}, []int{6378, rayPort, rayletPort}}
	ofWorker = wants{[]string{"ray", "raylet", "syminit", "syminit-agent"}, []int{rayletPort}}
)

// spareFiles is how many files an agent may have open for a while that it had
// not in its first run: connections at the door, questions to the GCS.
const spareFiles = 5

// unclean says what a node has that is not of this generation, or has not.
func (h *host) unclean(w wants, generation string) error {
	var names []string
	var tokens []string
	root := ""
	for _, p := range h.inside() {
		names = append(names, p.name)
		switch p.name {
		case "syminit":
			root = fmt.Sprintf("/proc/%d", p.pid)
		case "syminit-agent":
			open, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid))
			if h.fds[p.pid] == 0 {
				h.fds[p.pid] = len(open)
			}
			if more := len(open) - h.fds[p.pid]; more > spareFiles {
				return fmt.Errorf("its agent has %d more files open than in its first run", more)
			}
		default:
			environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
			for entry := range strings.SplitSeq(string(environ), "\x00") {
				if path, ok := strings.CutPrefix(entry, "RAY_AUTH_TOKEN_PATH="); ok && !slices.Contains(tokens, path) {
					tokens = append(tokens, path)
				}
			}
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, w.names) {
		return fmt.Errorf("processes %v", names)
	}
	if len(tokens) != 1 {
		return fmt.Errorf("processes of several runs: %v", tokens)
	}
	files, _ := filepath.Glob(root + "/root/tmp/*")
	shared, _ := filepath.Glob(root + "/root/dev/shm/*")
	if files = append(files, shared...); len(files) != 1 || files[0] != root+"/root"+filepath.Dir(tokens[0]) {
		return fmt.Errorf("files %v, want one, the folder of %s", files, tokens[0])
	}
	if ports := listening(root); !slices.Equal(ports, w.ports) {
		return fmt.Errorf("ports %v, want %v", ports, w.ports)
	}
	sockets, _ := os.ReadFile(root + "/net/unix")
	var abstract []string
	for word := range strings.FieldsSeq(string(sockets)) {
		if strings.HasPrefix(word, "@raylet-") {
			abstract = append(abstract, word)
		}
	}
	if len(abstract) != 1 || abstract[0] != "@raylet-"+generation {
		return fmt.Errorf("abstract sockets %v, want %s's", abstract, generation)
	}
	return nil
}

// left says what is there of a container that has ended: processes in its network,
// sockets that listen, files. Its other namespaces end with their last process.
func (h *host) left(t *testing.T) string {
	t.Helper()
	var all []string
	for _, command := range []string{"ip netns pids " + h.ns, "nsenter --net=/run/netns/" + h.ns + " ss -Hltx"} {
		words := strings.Fields(command)
		out, err := exec.Command(words[0], words[1:]...).Output()
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if text := strings.TrimSpace(string(out)); text != "" {
			all = append(all, fmt.Sprintf("%s: %q", command, text))
		}
	}
	files, err := os.ReadDir(h.tmp)
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		all = append(all, "file "+f.Name())
	}
	return strings.Join(all, ", ")
}

// listening lists the TCP ports of a process's network that are open.
func listening(proc string) (ports []int) {
	const stateListen = "0A"
	for _, table := range []string{"/net/tcp", "/net/tcp6"} {
		f, err := os.Open(proc + table)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			words := strings.Fields(lines.Text())
			if len(words) < 4 || words[3] != stateListen {
				continue
			}
			_, port, _ := strings.Cut(words[1], ":")
			if n, err := strconv.ParseInt(port, 16, 32); err == nil {
				ports = append(ports, int(n))
			}
		}
		_ = f.Close()
	}
	slices.Sort(ports)
	return ports
}
