package agent

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"testing"
)

// FuzzOOMKills: the kernel's count is found in either version's file, the group's own
// or the one at the top; any other text is no count.
func FuzzOOMKills(f *testing.F) {
	f.Add("0::/a/b\n", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n", uint16(2))
	f.Add("12:cpu,cpuacct:/x\n5:memory:/docker/1\n0::/\n", "oom_kill_disable 0\nunder_oom 0\noom_kill 9\n", uint16(0))
	f.Add("1:x\n:::\n0::\n", "oom_kill -1\noom_kill x\noom_kill 99999999999999999999", uint16(65535))
	f.Fuzz(func(t *testing.T, groups, events string, kills uint16) {
		read := func(groups, text string, files ...string) int {
			return oomKillsIn(func(name string) (string, error) {
				if name == "/proc/self/cgroup" {
					return groups, nil
				}
				if base := path.Base(name); base != "memory.events" && base != "memory.oom_control" {
					t.Errorf("%q: %s was read", groups, name)
				}
				if slices.Contains(files, name) {
					return text, nil
				}
				return "", fs.ErrNotExist
			})
		}
		all := []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"}
		if n := read(groups, events, all...); n < -1 {
			t.Errorf("%q, %q: %d", groups, events, n)
		}
		v1 := fmt.Sprintf("oom_kill_disable 0\nunder_oom 0\noom_kill %d\n", kills)
		v2 := fmt.Sprintf("low 0\nhigh 1\nmax 2\noom 3\noom_kill %d\noom_group_kill 4\n", kills)
		for line, of := range map[string]struct{ text, file string }{
			"0::/": {v2, all[0]}, "0::/a": {v2, all[0]}, "0::/a/b": {v2, "/sys/fs/cgroup/a/b/memory.events"},
			"5:memory:/": {v1, all[1]}, "5:memory:/a:b": {v1, "/sys/fs/cgroup/memory/a:b/memory.oom_control"},
		} {
			if n := read("9:cpu:/\n"+line+"\n", of.text, of.file); n != int(kills) {
				t.Errorf("%s has killed %d, want %d", line, n, kills)
			}
		}
	})
}
