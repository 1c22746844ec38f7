package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/syminit/syminit/internal/procstat"
)

// scene is a run of three nodes that a fault meets.
type scene struct {
	t                 *testing.T
	head, work, other *host
	nodes             []*host
	lostAfter         time.Duration
	struck            time.Time // when the fault came
	told              time.Time // when the job was told to end
}

func newScene(t *testing.T, built string, f fault, state string) *scene {
	t.Helper()
	s := &scene{t: t, lostAfter: f.lostAfter(state)}
	s.nodes = newCluster(t, built, []string{"head", "worker", "other"},
		"SYMINIT_LOST_AFTER="+s.lostAfter.String(), "SYMINIT_JOIN_TIMEOUT=15s", "SYMINIT_START_TIMEOUT=30s")
	s.head, s.work, s.other = s.nodes[0], s.nodes[1], s.nodes[2]
	s.work.small = f.small
	return s
}

// come brings the run into a state, and holds it there.
func (s *scene) come(state string) {
	if state == "agreed" {
		s.hold(s.head)
	}
	if state == "starting" {
		s.hold(s.work)
	}
	s.head.open()
	s.says(s.head, "1/3 nodes are here")
	s.work.open()
	s.says(s.head, "2/3 nodes are here")
	if state == "gathering" {
		return
	}
	s.other.open()
	switch state {
	case "agreed":
		for _, h := range s.nodes {
			s.until(h.name+" has Ray's token", h.hasToken)
		}
		s.until("the head starts Ray", func() bool { return s.head.find("ray") != 0 })
	case "starting":
		s.until("the worker starts Ray", func() bool { return s.work.find("ray") != 0 })
		for _, h := range []*host{s.head, s.other} {
			s.until(h.name+" has Ray", func() bool { return h.find("raylet") != 0 })
		}
	default:
		s.says(s.head, "JOB ")
		for _, h := range s.nodes {
			if !h.small { // its log goes elsewhere
				s.says(h, "Ray is up on every node")
			}
		}
	}
	if state == "draining" {
		s.until("the agent is there", func() bool { return s.head.signal("syminit-agent", syscall.SIGSTOP) })
		s.endJob()
		s.until("the job ends", func() bool { return s.head.dead("job") })
	}
}

// goOn lets the run go on that was held in a state, up to the end of the job.
func (s *scene) goOn(f fault, state string) {
	switch state {
	case "gathering":
		s.other.open()
	case "agreed":
		s.release(s.head)
	case "starting":
		s.release(s.work)
	case "draining":
		if f.late != "head" && f.gone != "head" {
			s.head.signal("syminit-agent", syscall.SIGCONT)
		}
		return
	}
	if f.fatal || f.late != "" {
		return // that ends it
	}
	s.until("the job runs", func() bool { return s.head.ended() || s.head.saw("JOB ") })
	if !f.small { // a fault in a running job is noticed, or survived, before the job ends
		select {
		case <-s.head.done:
		case <-time.After(time.Until(s.struck.Add(s.lostAfter + time.Second))):
		}
	}
	if !s.head.ended() {
		s.endJob()
	}
}

// wait waits for the end of every node that is still there, and in between has
// come back who is out of touch until the others have lost it.
func (s *scene) wait(f fault) {
	switch f.late {
	case "worker":
		s.until("the worker is lost", func() bool {
			return s.head.ended() || s.head.saw(`"node lost"`) ||
				s.head.saw("node left without acknowledging") || s.head.saw("did not hear that the run is over")
		})
		f.undo(s)
	case "head":
		s.until("the head is lost", func() bool { return s.work.ended() && s.other.ended() })
		f.undo(s)
	}
	for _, h := range s.nodes {
		if h.name != f.gone {
			s.until(h.name+" has ended", h.ended)
		}
	}
}

// until waits until that holds.
func (s *scene) until(what string, holds func() bool) {
	s.t.Helper()
	await(s.t, s.nodes, what, func() error {
		if !holds() {
			return errors.New("it doesn't")
		}
		return nil
	})
}

func (s *scene) says(h *host, text string) {
	s.t.Helper()
	s.until(h.name+" says "+text, func() bool { return h.saw(text) })
}

// endJob tells the job to end. Before it speaks it doesn't heed the signal yet, and
// would lose it.
func (s *scene) endJob() {
	s.t.Helper()
	s.says(s.head, "JOB ")
	s.told = time.Now()
	s.until("the job is there", func() bool { return s.head.signal("job", syscall.SIGUSR1) })
}

func (s *scene) hold(h *host) {
	s.t.Helper()
	if err := os.WriteFile(h.holdFile(), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) release(h *host) {
	s.t.Helper()
	if err := os.Remove(h.holdFile()); err != nil {
		s.t.Fatal(err)
	}
}

func (h *host) holdFile() string { return filepath.Join(h.dir, heldRay+h.addr) }

// freeze stops every process of a container, and waits until none of it runs any
// more. Process 1 and the agent are first, which else would see the others stop.
func (s *scene) freeze(h *host) {
	s.t.Helper()
	for _, name := range []string{"syminit", "syminit-agent"} {
		h.signal(name, syscall.SIGSTOP)
	}
	s.until("the container is frozen", func() bool {
		frozen := true
		for _, p := range h.inside() {
			if !p.stopped() {
				_ = syscall.Kill(p.pid, syscall.SIGSTOP)
				frozen = false
			}
		}
		return frozen
	})
}

// thaw has them go on in the other order.
func (s *scene) thaw(h *host) {
	for _, p := range h.inside() {
		if !strings.HasPrefix(p.name, "syminit") {
			_ = syscall.Kill(p.pid, syscall.SIGCONT)
		}
	}
	for _, name := range []string{"syminit-agent", "syminit"} {
		h.signal(name, syscall.SIGCONT)
	}
}

// ended reports whether the container has ended for good.
func (h *host) ended() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// hasToken reports whether the node has the token of a run's Ray.
func (h *host) hasToken() bool {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/tmp/*/*", h.find("syminit")))
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return true
		}
	}
	return false
}

// dead reports whether a process has ended, reaped or not.
func (h *host) dead(name string) bool {
	p, err := procstat.Read(h.find(name))
	return err != nil || p.Dead()
}

// stopped reports whether none of a process runs.
func (p program) stopped() bool {
	threads, _ := procstat.Threads(p.pid)
	for _, s := range threads {
		if s.State != 'T' && !s.Dead() {
			return false
		}
	}
	return true
}
