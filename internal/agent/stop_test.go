package agent

import (
	"context"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/rendezvous"
	"github.com/syminit/syminit/signals"
)

// A stopRun is a stopper at work, and what it did.
type stopRun struct {
	*stopper
	own      chan syscall.Signal
	others   chan stopRequest
	ended    chan rendezvous.Outcome
	finished chan struct{}
	how      jobStop
	up       string // a FIFO, $UP in the job: what it writes there, await reads
}

func newStopRun(t *testing.T, timeout time.Duration) *stopRun {
	t.Helper()
	r := &stopRun{
		own: make(chan syscall.Signal), others: make(chan stopRequest),
		ended: make(chan rendezvous.Outcome, 10), finished: make(chan struct{}),
		up: t.TempDir() + "/up",
	}
	if err := syscall.Mkfifo(r.up, 0o600); err != nil {
		t.Fatal(err)
	}
	r.stopper = newStopper(stopConfig{log: zap.NewNop(), self: "node a", timeout: timeout})
	r.begin(func(o rendezvous.Outcome) { r.ended <- o }, func(code int, cause string) rendezvous.Outcome {
		return rendezvous.Outcome{Code: code, Cause: cause}
	}, false)
	var wg sync.WaitGroup
	wg.Go(func() { r.run(r.own, r.others, r.finished) })
	t.Cleanup(func() { close(r.finished); wg.Wait() })
	return r
}

// sh starts a shell script as the job and returns once it says that it is up.
func (r *stopRun) sh(t *testing.T, script string) *launch.Process {
	t.Helper()
	job, err := r.startJob(r.how, func() (*launch.Process, error) {
		return launch.Start(launch.Command{
			Argv: []string{"sh", "-c", script + "; echo >$UP; while :; do sleep 1000 & wait $!; done"},
			Env:  append(os.Environ(), "UP="+r.up),
		}, launch.ProcessConfig{Name: "job", Log: zap.NewNop(), TailLines: 5})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { job.Stop(0) })
	r.await(t)
	return job
}

// await returns once the job has written to $UP.
func (r *stopRun) await(t *testing.T) {
	t.Helper()
	if _, err := os.ReadFile(r.up); err != nil {
		t.Fatal(err)
	}
}

func endOf(job *launch.Process) syscall.WaitStatus {
	<-job.Done()
	return job.Status()
}

func TestSignalGoesToTheJob(t *testing.T) {
	r := newStopRun(t, time.Minute)
	job := r.sh(t, "trap 'exit 5' USR1")
	r.own <- syscall.SIGUSR1
	if got := endOf(job).ExitStatus(); got != 5 {
		t.Errorf("the job exited with %d, want 5", got)
	}
	if _, stopping := r.requested(); stopping {
		t.Error("USR1 began a stop")
	}
}

func TestSignalIsRewritten(t *testing.T) {
	r := newStopRun(t, time.Minute)
	r.rewrites = signals.Rewrites{syscall.SIGTERM: syscall.SIGUSR2, syscall.SIGHUP: 0}
	job := r.sh(t, "trap 'exit 6' USR2")
	r.own <- syscall.SIGHUP // dropped: it would end the shell
	r.own <- syscall.SIGTERM
	if got := endOf(job).ExitStatus(); got != 6 {
		t.Errorf("the job exited with %d, want 6", got)
	}
	if request, stopping := r.requested(); !stopping || request.signal != syscall.SIGTERM {
		t.Error("a rewritten TERM is one all the same: no stop began")
	}
}

// TestRepeatedStopOfAnotherNode: what one node is told twice, the job is too.
func TestRepeatedStopOfAnotherNode(t *testing.T) {
	r := newStopRun(t, time.Minute)
	job := r.sh(t, "n=0; trap 'n=$((n+1)); [ $n -gt 1 ] && exit 8; echo >$UP' TERM")
	r.others <- stopRequest{signal: syscall.SIGTERM, from: "a"}
	r.await(t)
	r.others <- stopRequest{signal: syscall.SIGTERM, from: "a"}
	if got := endOf(job).ExitStatus(); got != 8 {
		t.Errorf("the job exited with %d, want 8", got)
	}
}

// TestJobHearsOfOthersOnce: under compose every node is told to stop, and what
// the others report comes on top of the head's own TERM.
func TestJobHearsOfOthersOnce(t *testing.T) {
	r := newStopRun(t, time.Minute)
	job := r.sh(t, "n=0; trap 'n=$((n+1)); [ $n -gt 1 ] || echo >$UP' TERM; trap 'exit $n' PWR")
	r.own <- syscall.SIGTERM
	r.await(t) // two pending TERMs would be one
	r.others <- stopRequest{signal: syscall.SIGTERM, from: "a"}
	r.others <- stopRequest{signal: syscall.SIGTERM, from: "b"}
	r.own <- syscall.SIGPWR // above TERM: a shell runs the traps in the order of the numbers
	if got := endOf(job).ExitStatus(); got != 1 {
		t.Errorf("the job got TERM %d times, want once", got)
	}
}

func TestJobIsKilledAtTheDeadline(t *testing.T) {
	r := newStopRun(t, 40*time.Millisecond)
	job := r.sh(t, "trap '' TERM")
	r.own <- syscall.SIGTERM
	if got := endOf(job); !got.Signaled() || got.Signal() != syscall.SIGKILL {
		t.Errorf("the job ended with %v, want KILL", got)
	}
	if !r.killedJob() {
		t.Error("nobody says that the job was killed")
	}
	<-r.patient.Done() // and nothing waits for the other nodes for ever
}

func TestTermBeforeTheJob(t *testing.T) {
	r := newStopRun(t, time.Minute)
	r.own <- syscall.SIGHUP
	r.own <- syscall.SIGTERM
	if o := <-r.ended; o.Code != 143 {
		t.Errorf("code %d, want 143", o.Code)
	}
	_, err := r.startJob(jobStop{}, func() (*launch.Process, error) { t.Error("the job was started"); return nil, nil })
	if err == nil {
		t.Error("startJob has no error")
	}
}

func TestSupervisorGone(t *testing.T) {
	r := newStopRun(t, time.Minute)
	close(r.own)
	if o := <-r.ended; o.Code != CodeLost || !strings.HasPrefix(o.Cause, "lost ") {
		t.Errorf("%+v: want code %d, and a node that is lost", o, CodeLost)
	}
}

// asked is a worker's member: it notes that the head was asked.
type asked struct {
	alone
	stops chan syscall.Signal
}

func (a asked) Stop(s syscall.Signal) bool { a.stops <- s; return true }

func TestWorkerAsksTheHead(t *testing.T) {
	r := newStopRun(t, 40*time.Millisecond)
	m := asked{stops: make(chan syscall.Signal, 1)}
	r.setMember(m)
	r.own <- syscall.SIGINT
	if s := <-m.stops; s != syscall.SIGINT {
		t.Errorf("asked with %v, want INT", s)
	}
	// The head says nothing, so this node leaves by itself.
	if o := <-r.ended; o.Code != 130 {
		t.Errorf("code %d, want 130", o.Code)
	}
}

func TestVerdictWinsOverItsConsequences(t *testing.T) {
	n := &node{}
	n.life, n.cancel = context.WithCancelCause(t.Context())
	n.end(rendezvous.Outcome{Code: 3})
	n.end(rendezvous.Outcome{Code: 4})
	if o := n.outcomeOf(context.Canceled); o.Code != 3 {
		t.Errorf("code %d, want the first verdict's, 3", o.Code)
	}
}

func TestCodesOfErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
	}{
		{failf(CodeConfig, "x"), 64},
		{&rendezvous.MissingError{}, 69},
		{&rendezvous.UnreachableError{}, 69},
		{&rendezvous.LostError{}, 69},
		{os.ErrPermission, 70},
		{failf(CodeRuntime, "x: %w", &rendezvous.MissingError{}), 75},
		{&rendezvous.RefusedError{}, 77},
		{&launch.ExecError{Code: 126, Err: os.ErrPermission}, 126},
		{&rendezvous.EndedError{Outcome: rendezvous.Outcome{Code: 9}}, 9},
	} {
		n := &node{life: t.Context()}
		if got := n.outcomeOf(tt.err).Code; got != tt.code {
			t.Errorf("%T: code %d, want %d", tt.err, got, tt.code)
		}
	}
}
