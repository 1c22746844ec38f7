package conformance

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func signalCases() []Case {
	requests := numbers(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGSTKFLT,
		unix.SIGXCPU, unix.SIGXFSZ, unix.SIGVTALRM, unix.SIGWINCH, unix.SIGIO, unix.SIGPWR)
	faults := numbers(unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS)
	var realTime []int
	for sig := 35; sig <= 64; sig++ {
		realTime = append(realTime, sig)
	}
	return []Case{
		{Name: "HUP, INT, QUIT, USR1, USR2, WINCH, ALRM and the like reach the job once", check: reach(requests)},
		{Name: "ILL, ABRT, SEGV and the like, sent to the init, reach the job once", check: reach(faults)},
		{Name: "real-time signals reach the job once", check: reach(realTime)},
		{Name: "TSTP, TTIN, TTOU and CONT reach the job once", check: reach(numbers(unix.SIGTSTP, unix.SIGCONT, unix.SIGTTIN, unix.SIGCONT, unix.SIGTTOU, unix.SIGCONT))},
		{Name: "TSTP stops a job, CONT resumes it", check: stops(unix.SIGTSTP)},
		{Name: "TTIN stops a job, CONT resumes it", check: stops(unix.SIGTTIN)},
		{Name: "TTOU stops a job, CONT resumes it", check: stops(unix.SIGTTOU)},
		{Name: "a signal reaches each process of the job's group once", check: reachGroup},
		{Name: "no signal comes that nobody sent", check: nothingInvented},
		{Name: "TERM at any instant from the start on ends the job", check: termAtAnyInstant},
		{Name: "TERM reaches a job though the init was started with every signal blocked", check: startedBlocked},
		{Name: "the first real-time signal, 34, reaches the job", Beyond: true, check: reach(numbers(34))},
		{Name: "PROF reaches the job", Beyond: true, check: reach(numbers(unix.SIGPROF))},
		{Name: "of 50 equal real-time signals in a burst each reaches the job", Beyond: true, check: burst},
	}
}

func numbers(list ...unix.Signal) []int {
	out := make([]int, len(list))
	for i, s := range list {
		out[i] = int(s)
	}
	return out
}

// reach sends one signal after the other; each comes once, and before the next.
func reach(list []int) func(*Trial) {
	return func(t *Trial) {
		r := t.start(setup{}, t.python(signalsJob)...)
		r.expect("ready")
		for _, sig := range list {
			r.signal(sig)
			r.expect(fmt.Sprint(sig))
		}
		r.signal(int(unix.SIGTERM))
		r.expect("15")
		if more := r.output(); more != "" {
			t.Fatalf("more came than was sent: %q", more)
		}
		r.exits(0)
	}
}

func burst(t *Trial) {
	r := t.start(setup{}, t.python(signalsJob)...)
	r.expect("ready")
	for range 50 {
		r.signal(40)
	}
	for range 50 {
		r.expect("40")
	}
	r.signal(int(unix.SIGTERM))
	r.expect("15")
	r.exits(0)
}

// stops sends a signal that stops a process by default to a job that leaves it at that.
func stops(sig unix.Signal) func(*Trial) {
	return func(t *Trial) {
		r := t.start(setup{}, shell(`echo $$; read -r line; echo "$line"; exit 5`)...)
		r.line()
		job := r.job()
		r.signal(int(sig))
		r.until("the job is stopped", func() bool { return state(job) == "T" })
		r.signal(int(unix.SIGCONT))
		r.until("the job goes on", func() bool { return state(job) == "S" })
		r.write("done\n")
		r.expect("done")
		r.exits(5)
	}
}

// job finds the job: the last in the line of only children.
func (r *run) job() int {
	pid := r.pid
	for list := children(pid); len(list) > 0; list = children(pid) {
		pid = list[0]
	}
	return pid
}

func state(pid int) string {
	if f := statFields(fmt.Sprintf("/proc/%d/stat", pid)); len(f) > 0 {
		return f[0]
	}
	return ""
}

func reachGroup(t *Trial) {
	r := t.start(setup{}, t.python(groupJob)...)
	both := func(what string) {
		got := map[string]bool{r.line(): true, r.line(): true}
		if !got["job "+what] || !got["child "+what] {
			t.Fatalf("want %q of the job and its child, got %v", what, got)
		}
	}
	both("ready")
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGHUP, unix.SIGTERM} {
		r.signal(int(sig))
		both(fmt.Sprint(int(sig)))
	}
	if more := r.output(); more != "" {
		t.Fatalf("more came than was sent: %q", more)
	}
	r.exits(0)
}

// nothingInvented gives the init work, so that its runtime has cause to signal
// its own threads.
func nothingInvented(t *Trial) {
	r := t.start(setup{}, t.python(`import os, signal
every = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
for i in range(300):
    if (pid := os.fork()) == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.waitpid(pid, 0)
others = every - {signal.SIGCHLD}
while got := signal.sigtimedwait(others, 0.5):
    print(got.si_signo, flush=True)
print("done", flush=True)`)...)
	r.expect("done")
	r.exits(0)
}

// termAtAnyInstant sends TERM at instants that are spread over the first 12 ms.
// They count from when the init was executed, which the kernel tells by closing
// a descriptor. But to a process 1 that has not told the kernel yet what to do
// with TERM none can be sent: the kernel drops it. There they count from when it
// has, or has started a process.
func termAtAnyInstant(t *Trial) {
	const starts = 150
	var wrong []string
	for i := range starts {
		one := &Trial{Subject: t.Subject}
		end := make(chan report, 1)
		go func() {
			defer close(end)
			defer one.finish()
			r := one.start(setup{}, "/bin/sleep", "1000")
			r.until("TERM is caught", func() bool {
				// While an init waits in sigtimedwait(2) nothing is shown as blocked.
				return t.Mode == Subreaper || r.heeds(unix.SIGTERM) || len(children(r.pid)) > 0
			})
			pause(time.Duration(i) * 80 * time.Microsecond)
			r.signal(int(unix.SIGTERM))
			end <- r.ended()
		}()
		got, ok := <-end
		after := fmt.Sprintf("TERM %d µs after the start", i*80)
		if !ok {
			t.Fatalf("%s: %s", after, strings.Join(one.failures, "; "))
		}
		// A process that is no process 1 and has just been executed is killed.
		if byDefault := t.Mode == Subreaper && got.Signal == 15; !byDefault && got.Code != 128+15 || len(got.Left) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %v, left %q", after, got, got.Left))
		}
	}
	if len(wrong) > 0 {
		t.Fatalf("of %d starts %d ended otherwise than with 143: %s", starts, len(wrong), strings.Join(wrong[:min(3, len(wrong))], "; "))
	}
}

// heeds reports whether the init blocks or catches a signal.
func (r *run) heeds(sig unix.Signal) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.pid))
	r.t.must("read the init's status", err)
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "SigBlk" && name != "SigCgt" {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		r.t.must("read the init's status", err)
		if mask&(1<<(sig-1)) != 0 {
			return true
		}
	}
	return false
}

func pause(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	<-ctx.Done()
}

func startedBlocked(t *Trial) {
	var all []int
	for sig := 1; sig <= 64; sig++ {
		all = append(all, sig)
	}
	r := t.start(setup{Blocked: all}, t.python(signalsJob)...)
	r.expect("ready")
	r.signal(int(unix.SIGTERM))
	r.expect("15")
	r.exits(0)
}
