package preflight

import (
	"reflect"
	"testing"
)

// FuzzLooks has the kernel, a driver and an engine say anything: a control group
// takes room and never gives some, and what is found is what another node reads
// of it, but for its bounds.
func FuzzLooks(f *testing.F) {
	f.Add("MemTotal:       131072 kB\nMemAvailable:    65536 kB\n", "0::/a/b\n", "67108864", "1048576", "file 1\ninactive_file 4096\n",
		"CapEff:\t000001ffffffffff\n", "Model: \t\t NVIDIA H100\nGPU UUID: \t GPU-1-2\nDevice Minor: \t 0\n", "GPU-1", "25000")
	f.Add("MemTotal: 1 kB\n", "12:cpu,memory:/../..\n1:x\n0::\n", "max", "-1", "inactive_file x\n", "CapEff:", "", "0,-1", "4294967295")
	f.Add("MemTotal:18446744073709551615\nMemAvailable: 2 kB", ":::::\n1:memory:a\n", "9223372036854771712", "18446744073709551615", "inactive_file 18446744073709551615", "CapEff: -1",
		"Model: \x1b[31m\nDevice Minor: ../null", "MIG-1,7", "18446744073709551616")
	f.Fuzz(func(t *testing.T, meminfo, cgroup, limit, usage, stat, self, gpu, visible, speed string) {
		texts := map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/status": self,
			"/proc/driver/nvidia/gpus/0/information": gpu, "/proc/driver/nvidia/version": "NVRM version: " + gpu, "/dev/nvidia0": "",
			"/sys/class/infiniband/mlx5_0/ports/1/state": speed,
			"/sys/class/net/eth0/speed":                  "1000", "/sys/class/net/eth1/speed": speed, "/sys/class/net/eth0/mtu": speed,
		}
		look := func() (found Facts) {
			h := fake(texts)
			h.Env = func(name string) (string, bool) { return visible, name != "HOME" }
			for _, l := range looks {
				l.at(h, Request{Model: visible})(&found)
			}
			found.Link = LinkOf(h, "eth0", []string{"eth0", "eth1"})
			return found
		}
		host := look().Memory
		texts["/proc/self/cgroup"] = cgroup
		for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/a"} {
			texts[dir+"/memory.max"], texts[dir+"/memory.limit_in_bytes"] = limit, limit
			texts[dir+"/memory.current"], texts[dir+"/memory.usage_in_bytes"] = usage, usage
			texts[dir+"/memory.stat"] = stat
		}
		found := look()
		if m := found.Memory; m.Total > host.Total || m.Free > host.Free || m.Total < host.Total && m.Free > m.Total {
			t.Errorf("%+v of memory, and in a group of it %+v", host, m)
		}
		if l := found.Link; l.MTU < 0 || l.Speed < 0 || l.Faster != nil && l.Faster.Speed <= l.Speed {
			t.Errorf("a link of %+v", l)
		}
		read, err := Decode(found.Encode())
		if err != nil || !reflect.DeepEqual(read.Memory, found.Memory) || !reflect.DeepEqual(read, read.clipped()) {
			t.Errorf("%+v was read as %+v, %v", found, read, err)
		}
	})
}
