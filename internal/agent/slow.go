package agent

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// stillEvery is how often a line says that the server doesn't serve yet. To load a
// large model takes vLLM many minutes.
const stillEvery = time.Minute

// slow says from time to time why the server isn't ready, which may be that
// syminit asks at the wrong place, or what was found before the run.
type slow struct {
	log         *zap.Logger
	found       *atomic.Pointer[string] // by preflight; nil: nothing
	began, said time.Time
}

func newSlow(log *zap.Logger, found *atomic.Pointer[string]) *slow {
	now := time.Now()
	return &slow{log: log, found: found, began: now, said: now}
}

func (s *slow) notYet(why error) {
	if now := time.Now(); now.Sub(s.said) >= stillEvery {
		s.said = now
		text := why.Error()
		if found := s.found.Load(); found != nil {
			text += "; preflight found: " + *found + "; this may be why"
		}
		s.log.Info(text, zap.Duration("after", now.Sub(s.began).Round(time.Second)))
	}
}
