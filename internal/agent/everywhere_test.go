package agent

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/rendezvous"
)

// spreader is a head's membership that takes note of what is passed on.
type spreader struct {
	alone
	spread []syscall.Signal
}

func (s *spreader) Spread(sig syscall.Signal) { s.spread = append(s.spread, sig) }

// TestStopIsSpread: every time the head's job is told, and only what ends it.
func TestStopIsSpread(t *testing.T) {
	r, m := newStopRun(t, time.Minute), &spreader{}
	r.setMember(m)
	job := r.sh(t, "n=0; trap : USR1; trap 'n=$((n+1)); [ $n -gt 1 ] && exit 8; echo >$UP' TERM")
	r.own <- syscall.SIGUSR1
	r.own <- syscall.SIGTERM
	r.await(t)
	r.own <- syscall.SIGTERM
	if got := endOf(job).ExitStatus(); got != 8 {
		t.Errorf("the job exited with %d, want 8", got)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if want := []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}; !slices.Equal(m.spread, want) {
		t.Errorf("spread %v, want %v", m.spread, want)
	}
}

// TestHeadlessJobIsNotTold: the run ends it, and the stop at the latest.
func TestHeadlessJobIsNotTold(t *testing.T) {
	r := newStopRun(t, time.Second)
	r.how = jobStop{headless: true}
	job := r.sh(t, "trap 'exit 8' TERM")
	handled := make(chan struct{})
	r.others <- stopRequest{signal: syscall.SIGTERM, from: "another node", passedOn: true, handled: handled}
	<-handled
	if o := <-r.ended; o.Code != 143 {
		t.Errorf("the run ended with %d, want 143", o.Code)
	}
	select {
	case <-job.Done():
		t.Errorf("the job was told to end: %v", job.Status())
	default:
	}
}

// TestJobIsToldAgain, if it still runs: soon where it doesn't serve yet.
func TestJobIsToldAgain(t *testing.T) {
	for serves, want := range map[bool]string{false: "still runs 500ms after SIGTERM", true: "still runs 2s after SIGTERM"} {
		r := newStopRun(t, time.Minute)
		core, seen := observer.New(zap.InfoLevel)
		r.log, r.how = zap.New(core), jobStop{again: true}
		job := r.sh(t, "trap 'trap \"exit 8\" TERM; echo >$UP' TERM")
		if serves {
			r.serves()
		}
		r.own <- syscall.SIGTERM
		r.await(t)
		if got := endOf(job).ExitStatus(); got != 8 {
			t.Errorf("the job exited with %d, want 8", got)
		}
		r.tellAgain(job, syscall.SIGTERM, tellAgainSoon) // to nobody
		if again := seen.FilterMessageSnippet("sending it again").All(); len(again) != 1 || !strings.Contains(again[0].Message, want) {
			t.Errorf("serves %t: %v, want %q once", serves, again, want)
		}
	}
}

// TestDoneJobWaitsForTheOthers: a stop gives jobs that are being killed now
// their moment, and then it is over.
func TestDoneJobWaitsForTheOthers(t *testing.T) {
	r := newStopRun(t, time.Second)
	job := r.sh(t, "trap 'exit 0' USR1")
	r.own <- syscall.SIGUSR1
	endOf(job)
	r.waitForOthers()
	began := time.Now()
	r.own <- syscall.SIGTERM
	if o := <-r.ended; o.Code != 143 {
		t.Errorf("the run ended with %d, want 143", o.Code)
	}
	if took := time.Since(began); took < r.timeout-r.reserve(jobReserve) {
		t.Errorf("others had only %s", took)
	}
}

// TestJobIsNotToldAgainByBoth: whoever has told it a second time himself need not
// be helped.
func TestJobIsNotToldAgainByBoth(t *testing.T) {
	r := newStopRun(t, time.Minute)
	r.how = jobStop{again: true}
	job := r.sh(t, "n=0; trap 'n=$((n+1)); [ $n -gt 2 ] || echo >$UP' TERM; trap 'exit $n' PWR")
	for range 2 {
		r.own <- syscall.SIGTERM
		r.await(t)
	}
	r.tellAgain(job, syscall.SIGTERM, tellAgainSoon)
	r.own <- syscall.SIGPWR // above TERM: a shell runs the traps in the order of the numbers
	if got := endOf(job).ExitStatus(); got != 2 {
		t.Errorf("the job got TERM %d times, want twice", got)
	}
}

// TestKilledJobIsWaitedFor: that the run is over somewhere else doesn't mean that a
// job which was killed is gone.
func TestKilledJobIsWaitedFor(t *testing.T) {
	r := newStopRun(t, time.Minute)
	job := r.sh(t, "trap '' TERM")
	r.mu.Lock()
	r.killed = true
	r.mu.Unlock()
	n, over := &node{log: zap.NewNop(), stop: r.stopper}, make(chan struct{})
	go func() { defer close(over); n.endJob(launch.Plan{}, job, rendezvous.Outcome{}) }()
	select {
	case <-over:
		t.Error("nobody waits for the job")
	case <-time.After(50 * time.Millisecond):
	}
	if err := job.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	<-over
}

// lastWord is a membership that takes note of whether there is time to tell the
// others how the run ended.
type lastWord struct {
	alone
	time bool
}

func (l *lastWord) Settle(ctx context.Context, o rendezvous.Outcome, _ func(rendezvous.Outcome) rendezvous.Outcome) rendezvous.Outcome {
	l.time = ctx.Err() == nil
	<-ctx.Done()
	return o
}

// TestOthersAreToldAtTheDeadline: a node whose job hangs in the kernel says how the
// run ended, though it waits for nobody any more. Else a head would be lost to all.
func TestOthersAreToldAtTheDeadline(t *testing.T) {
	r, m := newStopRun(t, time.Minute), &lastWord{}
	r.hurry()
	(&node{cfg: settings(t), stop: r.stopper}).settle(m, rendezvous.Outcome{})
	if !m.time {
		t.Error("there is no time for it")
	}
}

// TestNodeWhoseJobWasKilledWaitsOnce: others' jobs are killed at the same time, so a
// second wait would be for nothing, and end after STOP_TIMEOUT.
func TestNodeWhoseJobWasKilledWaitsOnce(t *testing.T) {
	r := newStopRun(t, time.Minute)
	job := r.sh(t, "trap '' TERM")
	r.own <- syscall.SIGTERM
	r.own <- syscall.SIGWINCH // the first has been heeded
	if !r.expire() {
		t.Error("nothing comes after the job's end")
	}
	endOf(job)
	r.waitForOthers()
	if r.expire() {
		t.Fatal("it waits once more")
	}
	if o := <-r.ended; o.Code != 143 {
		t.Errorf("it ends with %+v", o)
	}
}
