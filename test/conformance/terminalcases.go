package conformance

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

func terminalCases() []Case {
	return []Case{
		{Name: "Ctrl-C reaches the job once", check: controlC(ownTerminal)},
		{Name: "Ctrl-C reaches the job once, run by a shell", check: controlC(foreground)},
		{Name: "Ctrl-Z and fg work in a shell", check: controlZ},
		{Name: "a change of the window's size reaches the job", check: windowSize},
		{Name: "a job can read the terminal from its first instant on", check: readAtOnce},
		{Name: "a closed terminal ends the job (HUP)", check: hangUp},
		{Name: "the terminal is given back at the end", check: givenBack},
		{Name: "not taken from a foreground job when started in the background", check: notTaken},
		{Name: "standard input passes untouched without a terminal", check: untouched},
	}
}

// controlC: the job prints each signal it gets. The terminal shows the init's
// log too.
func controlC(use terminalUse) func(*Trial) {
	return func(t *Trial) {
		r := t.start(setup{Terminal: use}, t.python(signalsJob)...)
		r.sees(`ready\r\n`)
		r.write("\x03")
		r.sees(`^(\^C)?2\r\n`)
		r.signal(int(unix.SIGTERM))
		if seen := r.sees(`(^|\n)15\r\n`); strings.Contains("\n"+seen, "\n2\r\n") {
			t.Errorf("INT came twice: %q", seen)
		}
		r.exits(0)
	}
}

// sees reads the terminal until it shows what the expression matches.
func (r *run) sees(expression string) string {
	want := regexp.MustCompile(expression)
	var seen []byte
	for !want.Match(seen) {
		b, err := r.lines.ReadByte()
		if err != nil {
			r.t.Fatalf("the terminal shows %q (%v), want %s", seen, err, expression)
		}
		seen = append(seen, b)
	}
	return string(seen)
}

func controlZ(t *Trial) {
	env := append(environ(), "PS1=prompt> ", "TERM=dumb")
	r := t.start(setup{Terminal: ownTerminal, Env: toBytes(env)}, "/bin/bash", "--norc", "--noprofile", "--noediting", "-i")
	r.sees(`prompt> `)
	r.write("echo started; cat\n")
	r.sees(`\nstarted\r\n`)
	r.write("one\n")
	r.sees(`one\r\none\r\n`) // its echo, and cat's
	r.write("\x1a")
	r.sees(`Stopped`)
	r.sees(`prompt> `)
	r.write("echo $((40 + 2))\n")
	r.sees(`\n42\r\n`)
	r.sees(`prompt> `)
	r.write("fg\n")
	r.sees(`\ncat\r\n`)
	r.write("two\n")
	r.sees(`two\r\ntwo\r\n`)
	r.write("\x03")
	r.sees(`prompt> `)
	r.write("exit 7\n")
	r.exits(7)
}

func windowSize(t *Trial) {
	r := t.start(setup{Terminal: ownTerminal}, t.python(winsizeJob)...)
	r.expect("size 24 80")
	t.resize(r.master, 50, 132)
	r.expect("size 50 132")
	r.signal(int(unix.SIGTERM))
	r.exits(0)
}

func readAtOnce(t *Trial) {
	for i := range 10 {
		r := t.start(setup{Terminal: foreground}, shell(`read -r line; echo "got $line"; exit 6`)...)
		r.write(fmt.Sprintf("line%d\n", i))
		r.sees(fmt.Sprintf("got line%d", i))
		r.exits(6)
	}
}

// hangUp closes the terminal: the kernel sends HUP to the session's leader, and
// to what is in the foreground.
func hangUp(t *Trial) {
	f := t.file("hup")
	r := t.start(setup{Terminal: ownTerminal}, shell(`trap 'echo hup >> "$1"; exit 9' HUP; echo ready; while :; do sleep 0.1; done`, f.Name())...)
	r.expect("ready")
	_ = r.master.Close()
	r.exits(9)
	if b, err := io.ReadAll(f); err != nil || string(b) != "hup\n" {
		t.Fatalf("the job got %q (%v), want one HUP", b, err)
	}
}

func givenBack(t *Trial) {
	r := t.start(setup{Terminal: foreground}, shell(`echo ready; read -r line; exit 8`)...)
	r.expect("ready")
	r.write("end\n")
	r.exits(8)
	if got := r.foreground(); got != r.pid {
		t.Fatalf("process group %d has the terminal, want %d, the init's", got, r.pid)
	}
}

func notTaken(t *Trial) {
	r := t.start(setup{Terminal: background}, shell(`echo ready; exec sleep 1000`)...)
	r.expect("ready")
	r.until("the job runs", func() bool { return strings.HasPrefix(command(r.job()), "sleep") })
	owner := r.foreground()
	if owner == r.pid || owner == r.job() {
		t.Errorf("process group %d of the init or its job took the terminal", owner)
	}
	r.signal(int(unix.SIGTERM))
	r.exits(128 + 15)
	if after := r.foreground(); after != owner {
		t.Errorf("at the end process group %d has the terminal, before it was %d", after, owner)
	}
}

func untouched(t *Trial) {
	data := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{})
	_, err := random.Read(data)
	t.must("make bytes", err)
	r := t.start(setup{}, "/usr/bin/sha256sum")
	if _, err := r.stdin.Write(data); err != nil {
		t.Fatalf("write to the job: %v", err)
	}
	_ = r.stdin.Close()
	r.expect(fmt.Sprintf("%x  -", sha256.Sum256(data)))
	r.exits(0)
}
