package agent

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/internal/procstat"
)

// unansweredAfter is how long a server that takes no connections any more may
// keep those that it has, where their answers can't come. What is only to be sent
// is sent by then.
const unansweredAfter = 3 * time.Second

// engine is how vLLM calls the process that makes the answers, in the 15 characters
// that the kernel keeps (set_process_title in vllm/utils/system_utils.py, 0.32).
const engine = "VLLM::EngineCor"

// hasEngine reports whether an engine that may still make answers has come of that
// process. One that can't be known for it counts as none.
func hasEngine(of int) bool {
	all, _ := procstat.All()
	return slices.ContainsFunc(procstat.Descendants(all, of, 0), func(p procstat.Stat) bool { return p.Name == engine })
}

// endUnanswered kills a server that was told to stop and keeps connections which it
// can't answer, for its engine is gone. Under Ray that is vLLM with requests in
// flight: ray.init replaces its engine's handler for TERM, which ends the engine at
// once, and the API server then waits without limit
// (vllm/entrypoints/launchers/launcher.py and uvicorn/server.py, vLLM 0.32 and Ray
// 2.60).
func (s *stopper) endUnanswered(job *launch.Process, server server) {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	var since time.Time
	for {
		select {
		case <-job.Done():
			return
		case now := <-look.C:
			switch {
			case server.Listens() || !server.Connected() || hasEngine(job.Pid()):
				since = time.Time{}
			case since.IsZero():
				since = now
			case now.Sub(since) >= unansweredAfter:
				s.killUnanswered(job)
				return
			}
		}
	}
}

func (s *stopper) killUnanswered(job *launch.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job != job || s.killed || over(job) {
		return
	}
	s.unanswered = true
	s.log.Warn("the server has stopped and keeps requests that its engine doesn't answer any more: killing it", zap.Duration("after", unansweredAfter))
	_ = job.Signal(syscall.SIGKILL)
}

// leftUnanswered returns how the job's end is to be spoken of where endUnanswered
// has brought it about.
func (s *stopper) leftUnanswered() (code int, cause string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.unanswered || s.first == nil {
		return 0, "", false
	}
	return 128 + int(s.first.signal), fmt.Sprintf("the job stopped serving after %s, with requests in flight that vLLM doesn't answer under Ray", s.first), true
}
