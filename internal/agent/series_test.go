package agent

import (
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/rendezvous"
)

// endedRun is a run of a node that is at its end.
func endedRun(restarts config.Restarts) *node {
	return &node{
		cfg: &config.Config{Restarts: restarts}, log: zap.NewNop(), series: &series{}, began: time.Now(),
		stop: newStopper(stopConfig{log: zap.NewNop(), timeout: time.Minute}),
	}
}

// TestPauseIsNoTimeForJoining: JOIN_TIMEOUT may be shorter than the pause between
// two runs, which only the head knows.
func TestPauseIsNoTimeForJoining(t *testing.T) { synctest.Test(t, pauseIsNoTimeForJoining) }

func pauseIsNoTimeForJoining(t *testing.T) {
	for name, tt := range map[string]struct {
		kept *series
		want time.Duration
	}{
		"first run":                  {&series{}, 0},
		"head":                       {&series{resume: time.Now().Add(8 * time.Second), place: rendezvous.Place{RunID: "RUN"}}, 8 * time.Second},
		"worker":                     {&series{place: rendezvous.Place{RunID: "RUN", Rank: 1}}, backoffMax},
		"worker that lost its head":  {&series{resume: time.Now().Add(8 * time.Second), place: rendezvous.Place{RunID: "RUN", Rank: 1}}, backoffMax},
		"head whose pause is a past": {&series{resume: time.Now().Add(-time.Hour), place: rendezvous.Place{RunID: "RUN"}}, 0},
	} {
		if got := tt.kept.pauseLeft(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// jobsOwn marks a code in TestAgain.
const jobsOwn = 1000

func TestAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		restarts config.Restarts
		code     int
		change   func(*node)
		want     bool
	}{
		"failed job":               {1, jobsOwn + 3, nil, true},
		"job's own 127":            {1, jobsOwn + 127, nil, true},
		"command not found":        {1, 127, nil, false},
		"lost node":                {1, CodeLost, nil, true},
		"Ray did not start":        {1, CodeRuntime, nil, true},
		"refused":                  {1, CodeRefused, nil, false},
		"wrong setting":            {1, CodeConfig, nil, false},
		"the job succeeded":        {1, jobsOwn, nil, false},
		"no restarts":              {0, CodeLost, nil, false},
		"the nodes never met":      {1, CodeLost, func(n *node) { n.began = time.Time{} }, false},
		"told to stop":             {1, 143, func(n *node) { n.stop.first = &stopRequest{signal: syscall.SIGTERM} }, false},
		"the supervisor is gone":   {1, CodeLost, func(n *node) { n.stop.alone = true }, false},
		"used up":                  {2, CodeLost, func(n *node) { n.restarts = 2 }, false},
		"never used up":            {config.Unlimited, CodeLost, func(n *node) { n.restarts = 2000 }, true},
		"used up, but a sound run": {2, CodeLost, func(n *node) { n.restarts, n.began = 2, time.Now().Add(-soundAfter) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := endedRun(tt.restarts)
			if tt.change != nil {
				tt.change(n)
			}
			o := n.followed(rendezvous.Outcome{Code: tt.code % jobsOwn, Job: tt.code >= jobsOwn, Cause: "it failed"})
			if o.Again != tt.want {
				t.Errorf("again: %t, want %t", o.Again, tt.want)
			}
			want := "it failed"
			if name == "used up" {
				want += ", and SYMINIT_RESTARTS=2 is used up"
			}
			if o.Cause != want {
				t.Errorf("the cause is %q, want %q", o.Cause, want)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := endedRun(config.Unlimited)
		var pauses []time.Duration
		for range 8 {
			if !n.again(rendezvous.Outcome{Code: CodeLost}) {
				t.Fatal("not again")
			}
			pauses = append(pauses, n.pause)
			if until := time.Until(n.resume); until != n.pause {
				t.Errorf("it resumes in %s, and the pause is %s", until, n.pause)
			}
		}
		s := time.Second
		if want := []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, time.Minute, time.Minute}; !slices.Equal(pauses, want) {
			t.Errorf("pauses %v, want %v", pauses, want)
		}
	})
}

// TestStopBetweenTwoRuns: the next one ends before it begins.
func TestStopBetweenTwoRuns(t *testing.T) {
	for name, ends := range map[string]func(*stopper){
		"TERM":                   func(s *stopper) { s.handle(stopRequest{signal: syscall.SIGTERM, from: "node a", own: true}, nil) },
		"the supervisor is gone": (*stopper).abandoned,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStopper(stopConfig{log: zap.NewNop(), timeout: time.Minute})
			ends(s)
			var got []rendezvous.Outcome
			s.begin(func(o rendezvous.Outcome) { got = append(got, o) }, func(code int, cause string) rendezvous.Outcome {
				return rendezvous.Outcome{Code: code, Cause: cause}
			}, false)
			if len(got) != 1 || got[0].Code != 143 && got[0].Code != CodeLost {
				t.Errorf("got %+v", got)
			}
		})
	}
}
