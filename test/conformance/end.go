package conformance

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func endCases() []Case {
	return []Case{
		{Name: "processes that the job leaves get TERM before the end", check: strayGetsTerm},
		{Name: "a stopped process that the job leaves gets TERM before the end", check: stoppedStrayGetsTerm},
		{Name: "the log names what the job left", NA: syminitOnly, check: func(t *Trial) {
			r := t.start(setup{}, shell(`sleep 1000 & read -r line; exit 3`)...)
			r.until("what is left runs", func() bool { return strings.HasPrefix(command(r.job()), "sleep") })
			r.write("end\n")
			r.exits(3)
			r.names("sleep")
		}},
		{Name: "a process that outlives TERM is killed, and the job's code is kept", check: func(t *Trial) {
			r := t.start(setup{}, shell(`(trap '' TERM; echo ready; while :; do sleep 1; done) & read -r line; exit 3`)...)
			r.expect("ready")
			r.write("end\n")
			r.gone(r.exits(3))
			r.output()
		}},
		{Name: "killed, the init takes the job along", check: func(t *Trial) {
			r := t.start(setup{}, shell(`echo ready; exec sleep 1000`)...)
			r.expect("ready")
			r.signal(int(unix.SIGKILL))
			if end := r.ended(); end.Signal != int(unix.SIGKILL) {
				t.Fatalf("the init ended with %v", end)
			}
			r.output() // ends when nobody has the pipe any more
		}},
		{Name: "its agent killed, the container ends with 70, the reason and no strays", NA: syminitOnly, check: func(t *Trial) {
			r := t.start(setup{}, shell(`(sleep 1000 &) ; echo ready; exec sleep 1000`)...)
			r.expect("ready")
			r.kill(children(r.pid))
			r.gone(r.exits(70))
			r.names("SIGKILL")
			r.output()
		}},
		{Name: "WAIT_ALL=true waits for a service that daemonises", NA: syminitOnly, check: waitAll},
		{Name: "WAIT_ALL=true: TERM reaches the daemon, and its end is the container's", NA: syminitOnly, check: waitAllTerm},
	}
}

func syminitOnly(i Init, _ Mode) string {
	if i.Syminit {
		return ""
	}
	return "of syminit only"
}

// stray is left by a job that ends with 3 when it gets a line. Its wait ends at
// once when a signal comes.
const stray = `(trap 'echo stray got TERM; exit' TERM; sleep 1000 & echo ready; wait) & read -r line; exit 3`

func strayGetsTerm(t *Trial) {
	r := t.start(setup{}, shell(stray)...)
	r.expect("ready")
	r.write("end\n")
	r.expect("stray got TERM")
	r.gone(r.exits(3))
}

func stoppedStrayGetsTerm(t *Trial) {
	r := t.start(setup{}, shell(stray)...)
	r.expect("ready")
	r.until("what is left runs", func() bool { return strings.HasPrefix(command(r.job()), "sleep") })
	pid, err := strconv.Atoi(statFields(fmt.Sprintf("/proc/%d/stat", r.job()))[1])
	t.must("find the parent", err)
	t.must("stop it", unix.Kill(pid, unix.SIGSTOP))
	r.until("it is stopped", func() bool { return state(pid) == "T" })
	r.write("end\n")
	r.expect("stray got TERM")
	r.gone(r.exits(3))
}

// gone fails if something is left. After a process 1 nothing can be.
func (r *run) gone(end report) {
	if len(end.Left) > 0 {
		r.t.Fatalf("left behind: %s; the init: %s", strings.Join(end.Left, ", "), r.log())
	}
}

// kill ends the agent, the init's one child that was no orphan.
func (r *run) kill(agents []int) {
	for _, pid := range agents {
		if name := command(pid); strings.Contains(name, "syminit") {
			r.t.must("kill the agent", unix.Kill(pid, unix.SIGKILL))
			return
		}
	}
	r.t.Fatalf("no agent among the children %v", agents)
}

// daemon waits for a line in a session of its own and ends; the job has ended before.
const daemon = `exec 4<&0; (setsid sh -c 'trap "echo daemon got TERM; exit" TERM; echo daemon ready; read -r line; echo daemon done' <&4 &); exit 3`

func waitAll(t *Trial) {
	r := t.start(setup{Env: waiting()}, shell(daemon)...)
	r.expect("daemon ready")
	r.write("end\n")
	r.expect("daemon done")
	r.exits(3)
}

func waitAllTerm(t *Trial) {
	r := t.start(setup{Env: waiting()}, shell(daemon)...)
	r.expect("daemon ready")
	r.signal(int(unix.SIGTERM))
	r.expect("daemon got TERM")
	r.gone(r.ended())
}

func waiting() [][]byte { return toBytes(append(environ(), "SYMINIT_WAIT_ALL=true")) }
