package cluster_test

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/cluster"
)

// TestHosts holds the expansion against what Slurm's own scontrol made of the
// lists in testdata.
func TestHosts(t *testing.T) {
	data, err := os.ReadFile("testdata/hostlist-vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		list, want, ok := strings.Cut(line, "\t")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		n++
		names, err := cluster.Hosts(list)
		got := strings.Join(names, " ")
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%s: got %s (%v), want %s", list, got, err, want)
		}
	}
	if n < 20 {
		t.Errorf("only %d lists were tried", n)
	}
}

func TestHostsAreBounded(t *testing.T) {
	for _, list := range []string{
		"n[1-70000]",
		"n[0-99999999999999999]",
		"n[0-18446744073709551615]",
		"a[1-300]b[1-300]",
		"a[1-60000]b[1-60000]c[1-60000]d[1-60000]e[1-60000]",
		"n[1-40000],m[1-40000]",
		"n[1-40000,1-40000]",
		strings.Repeat("a[1]", 100000),
		strings.Repeat("x", 300),
		"n[" + strings.Repeat("0", 100000) + "1-2]",
		strings.Repeat("n,", 70000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		names, err := cluster.Hosts(list)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%.40s: %d names", list, len(names))
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
			t.Errorf("%.40s took %d bytes", list, grown)
		}
	}
	if names, err := cluster.Hosts("n[1-65536]"); err != nil || len(names) != 65536 || names[65535] != "n65536" {
		t.Errorf("the most that is allowed: %d names, %v", len(names), err)
	}
}

func TestBadHostsAreErrors(t *testing.T) {
	for _, list := range []string{"n[1-2", "n1-2]", "n]1[", "n[[1]]", "n[-1]", "n[1-]", "n[1-2-3]", "n[ 1]", "n[+1]", "n[1]x"} {
		if names, err := cluster.Hosts(list); err == nil {
			t.Errorf("%s: %q", list, names)
		}
	}
}

// FuzzHosts: no list panics or makes more names than allowed, and a list of
// plain names comes back as it is.
func FuzzHosts(f *testing.F) {
	for _, list := range []string{"n[001-003,7],gpu-[1-2]-[3,5],login", "a[1-2]b[3-4]c[5-6]", "n[1-2]-ib", "n[3-1]", "n[]", "a b\tc,,d"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		names, err := cluster.Hosts(list)
		if err != nil {
			return
		}
		if len(names) > 1<<16 {
			t.Fatalf("%d names", len(names))
		}
		for _, name := range names {
			if name == "" || len(name) > 256 || strings.ContainsAny(name, "[]") {
				t.Fatalf("the name %q", name)
			}
		}
		if len(names) > 1000 {
			return
		}
		again, err := cluster.Hosts(strings.Join(names, ","))
		if err != nil || strings.Join(again, ",") != strings.Join(names, ",") {
			t.Errorf("%q became %q, %v", names, again, err)
		}
	})
}
