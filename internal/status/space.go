package status

import (
	"bufio"
	"bytes"
	"os"
	"strings"
)

// initialPIDs is the PID namespace of the host, whose number is fixed
// (PROC_PID_INIT_INO in Linux's include/linux/proc_ns.h).
const initialPIDs = "pid:[4026531836]"

// sameMounts reports whether two processes have one mount namespace. It is for
// another user's process, whose namespace file can't be read: a mount's number
// occurs in one namespace only.
func sameMounts(a, b string) bool {
	first := firstMount(a)
	return first != "" && first == firstMount(b)
}

// firstMount is the number of the first mount that a process sees.
func firstMount(dir string) string {
	f, err := os.Open(dir + "/mountinfo")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	line, _ := bufio.NewReader(f).ReadString('\n')
	number, _, _ := strings.Cut(line, " ")
	return number
}

// sharedHost reports whether this process and the one in dir, which have one mount
// namespace, have it in common as users of one host do, not as processes of one
// container: it is the host's own, or they have other control groups.
func sharedHost(dir string) bool {
	if pids, _ := os.Readlink("/proc/self/ns/pid"); pids == initialPIDs && sameMounts("/proc/self", "/proc/1") {
		return true
	}
	own, _ := os.ReadFile("/proc/self/cgroup")
	its, _ := os.ReadFile(dir + "/cgroup")
	return !bytes.Equal(own, its)
}
