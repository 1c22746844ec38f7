package agent

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestSlowServerIsSpokenOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, seen := observer.New(zap.InfoLevel)
		s := newSlow(zap.New(core))
		for range 150 {
			<-time.After(time.Second)
			s.notYet(errors.New("the server doesn't serve yet"))
		}
		lines := seen.FilterMessage("the server doesn't serve yet").All()
		if len(lines) != 2 || lines[1].ContextMap()["after"] != 2*time.Minute {
			t.Errorf("%v, want a line after one minute and after two", lines)
		}
	})
}
