package agent

import (
	"time"

	"go.uber.org/zap"
)

// stillEvery is how often a line says that the server doesn't serve yet. To load a
// large model takes vLLM many minutes.
const stillEvery = time.Minute

// slow says from time to time why the server isn't ready, which may be that
// syminit asks at the wrong place.
type slow struct {
	log         *zap.Logger
	began, said time.Time
}

func newSlow(log *zap.Logger) *slow {
	now := time.Now()
	return &slow{log: log, began: now, said: now}
}

func (s *slow) notYet(why error) {
	if now := time.Now(); now.Sub(s.said) >= stillEvery {
		s.said = now
		s.log.Info(why.Error(), zap.Duration("after", now.Sub(s.began).Round(time.Second)))
	}
}
