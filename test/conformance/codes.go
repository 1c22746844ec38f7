package conformance

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func codeCases() []Case {
	return []Case{
		{Name: "0, 1, 37 and 255 are passed on", check: func(t *Trial) {
			for _, code := range []int{0, 1, 37, 255} {
				t.start(setup{}, shell(fmt.Sprintf("exit %d", code))...).exits(code)
			}
		}},
		{Name: "128+n for a job that signal n ended", check: func(t *Trial) {
			for _, sig := range []int{1, 2, 6, 9, 11, 15, 40} {
				t.start(setup{}, shell(fmt.Sprintf("kill -%d $$", sig))...).exits(128 + sig)
			}
		}},
		{Name: "127 for a command that isn't there, and the log names it", check: func(t *Trial) {
			r := t.start(setup{}, "/nonexistent-command")
			r.exits(127)
			r.names("nonexistent-command")
		}},
		{Name: "127 for a name that isn't in PATH, and the log names it", check: func(t *Trial) {
			r := t.start(setup{}, "nonexistent-command")
			r.exits(127)
			r.names("nonexistent-command")
		}},
		{Name: "126 for a file that can't be executed, and the log names it", check: func(t *Trial) {
			f := t.file("plain-file")
			_, err := f.WriteString("#!/bin/sh\n")
			t.must("write", err)
			r := t.start(setup{}, f.Name())
			r.exits(126)
			r.names("plain-file")
		}},
		{Name: "126 for a directory", check: func(t *Trial) { t.start(setup{}, t.Dir).exits(126) }},
		{Name: "started with CHLD ignored: the job's code", check: func(t *Trial) {
			t.start(setup{Ignored: numbers(unix.SIGCHLD)}, shell("exit 37")...).exits(37)
		}},
		{Name: "started with CHLD blocked: the job's code", check: func(t *Trial) {
			t.start(setup{Blocked: numbers(unix.SIGCHLD, unix.SIGTERM)}, shell("exit 37")...).exits(37)
		}},
		{Name: "started with descriptor 0 closed: the job's code", check: startedClosed(0)},
		{Name: "started with descriptors 0 to 2 closed: the job's code", check: startedClosed(0, 1, 2)},
		{Name: "the job's code, not that of an orphan that ends first", check: func(t *Trial) {
			r := t.start(setup{}, shell(`(sh -c 'exit 9' &); read -r line; exit 37`)...)
			r.write("now\n")
			r.exits(37)
		}},
	}
}

func startedClosed(fds ...int) func(*Trial) {
	return func(t *Trial) { t.start(setup{Closed: fds}, "/bin/sh", "-c", "exit 37").exits(37) }
}

func (r *run) names(text string) {
	b, err := os.ReadFile(r.stderr.Name())
	r.t.must("read the log", err)
	if !strings.Contains(string(b), text) {
		r.t.Fatalf("the log doesn't name %s: %s", text, r.log())
	}
}
