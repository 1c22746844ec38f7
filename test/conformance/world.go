package conformance

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Most of these cases run a job twice in the same world: behind the init, and
// executed directly in its place. What it finds must be the same.
func worldCases() []Case {
	umask := 0o27
	status := []string{"/bin/cat", "/proc/self/status"}
	return []Case{
		{Name: "no signal blocked or ignored that was not", check: same(setup{}, fields("SigBlk", "SigIgn", "SigCgt"), status...)},
		{
			Name:  "the signal mask",
			check: same(setup{Blocked: numbers(unix.SIGUSR1, unix.SIGWINCH, unix.SIGTSTP, 40)}, fields("SigBlk", "SigIgn"), status...),
		},
		{Name: "ignored HUP, INT and QUIT", check: same(setup{Ignored: numbers(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT)}, fields("SigIgn"), status...)},
		{Name: "ignored USR1, TERM and WINCH", check: same(setup{Ignored: numbers(unix.SIGUSR1, unix.SIGTERM, unix.SIGWINCH)}, fields("SigIgn"), status...)},
		{Name: "ignored PIPE", check: same(setup{Ignored: numbers(unix.SIGPIPE)}, fields("SigIgn"), status...)},
		{Name: "ignored TSTP, TTIN and TTOU", check: same(setup{Ignored: numbers(unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)}, fields("SigIgn"), status...)},
		{Name: "ignored real-time signals", check: same(setup{Ignored: []int{36, 50, 64}}, fields("SigIgn"), status...)},
		{Name: "RLIMIT_NOFILE and the other limits", check: same(setup{Files: &[2]uint64{512, 4096}}, all, "/bin/cat", "/proc/self/limits")},
		{Name: "umask", check: same(setup{Umask: &umask}, fields("Umask"), status...)},
		{Name: "nice", check: same(setup{Nice: 7}, all, shell("read -r line < /proc/self/stat; set -- ${line##*) }; echo ${17}")...)},
		{Name: "oom_score_adj", check: same(setup{OOM: 300}, all, "/bin/cat", "/proc/self/oom_score_adj")},
		{Name: "working directory", check: same(setup{Dir: "/usr/share"}, all, "/bin/pwd")},
		{Name: "identity, capabilities, no_new_privs, seccomp", check: same(setup{}, fields("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"), status...)},
		{Name: "CPUs and memory nodes", check: same(setup{}, fields("Cpus_allowed", "Mems_allowed"), status...)},
		{Name: "environment", check: environment("A=1", "LONG="+strings.Repeat("x", 100_000))},
		{Name: "environment that isn't UTF-8", check: environment("BYTES=\xff\xfe\x80", "\xc3=\x01")},
		{Name: "environment with a name twice", check: environment("TWICE=1", "OTHER=2", "TWICE=3")},
		{Name: "environment with entries that are no NAME=VALUE", check: environment("=C:=x", "WITHOUT", "")},
		{Name: "arguments: long, many, empty, not UTF-8", check: arguments},
		{Name: "no descriptor of the init's own", check: same(setup{}, all, "/bin/ls", "/proc/self/fd")},
		{Name: "descriptors that were passed on", check: passedOn},
		{Name: "nothing of the init's own in place of a closed descriptor 0, 1 or 2", check: closedStandard},
		{Name: "descriptor 0 stays closed", Beyond: true, check: same(setup{Closed: []int{0}}, all, "/bin/ls", "/proc/self/fd")},
	}
}

// direct is the output of a job that runs in the init's place.
func (t *Trial) direct(s setup, job ...string) string {
	s.Direct = true
	r := t.start(s, job...)
	out := r.output()
	r.exits(0)
	return out
}

func same(s setup, of func(string) string, job ...string) func(*Trial) {
	return func(t *Trial) {
		want := of(t.direct(s, job...))
		r := t.start(s, job...)
		got := of(r.output())
		r.exits(0)
		if want == "" || got != want {
			t.Fatalf("the job has\n%s\nwant\n%s", got, want)
		}
	}
}

func all(s string) string { return s }

// fields picks lines of /proc/self/status.
func fields(names ...string) func(string) string {
	return func(status string) string {
		var picked []string
		for line := range strings.Lines(status) {
			if name, _, ok := strings.Cut(line, ":"); ok && slices.Contains(names, name) {
				picked = append(picked, line)
			}
		}
		return strings.Join(picked, "")
	}
}

// environment gives the job these entries behind its usual ones.
func environment(entries ...string) func(*Trial) {
	return func(t *Trial) {
		env := append(environ(), entries...)
		r := t.start(setup{Env: toBytes(env)}, "/bin/cat", "/proc/self/environ")
		got := r.output()
		r.exits(0)
		if want := strings.Join(env, "\x00") + "\x00"; got != want {
			t.Fatalf("the job has %.300q, want %.300q", got, want)
		}
	}
}

func arguments(t *Trial) {
	args := []string{"", "\xff\xfe", "a b", "$HOME", "--", "-x", strings.Repeat("y", 120_000)}
	for i := range 2000 {
		args = append(args, fmt.Sprint("argument ", i))
	}
	job := append(shell("cat /proc/$$/cmdline; exit 0"), args...)
	r := t.start(setup{}, job...)
	got := r.output()
	r.exits(0)
	if want := strings.Join(job, "\x00") + "\x00"; got != want {
		t.Fatalf("the job has %d bytes of arguments, want %d: %.300q", len(got), len(want), got)
	}
}

func passedOn(t *Trial) {
	r := t.start(setup{Keep: []int{3, 50}}, "/bin/bash", "-c", "echo three >&3; echo fifty >&50; ls /proc/self/fd")
	for i, want := range []string{"three\n", "fifty\n"} {
		if got, err := io.ReadAll(r.kept[i]); err != nil || string(got) != want {
			t.Errorf("descriptor %d of %v: %q (%v), want %q", i, []int{3, 50}, got, err, want)
		}
	}
	r.output()
	r.exits(0)
}

var openNull = regexp.MustCompile(`^[012] -> /dev/null$`)

// closedStandard lets the job have /dev/null where it was given nothing, as
// many programs see to, but nothing else. Its output goes to a file, for lack of
// another way out.
func closedStandard(t *Trial) {
	for _, closed := range [][]int{{0}, {1}, {2}, {0, 1, 2}} {
		f := t.file("open")
		script := `for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo "$fd -> $(readlink /proc/$$/fd/$fd)"; done > "$1"; exit 4`
		t.start(setup{Closed: closed}, shell(script, f.Name())...).exits(4)
		b, err := io.ReadAll(f)
		t.must("read the job's output", err)
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			number := int(line[0] - '0')
			if number == 1 && slices.Contains(closed, 1) {
				continue // the script's own redirection
			}
			if slices.Contains(closed, number) && !openNull.MatchString(line) {
				t.Errorf("descriptors %v were closed, the job has %s", closed, line)
			}
		}
	}
}
