package agent

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestSlowServerIsSpokenOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, seen := observer.New(zap.InfoLevel)
		var found atomic.Pointer[string]
		s := newSlow(zap.New(core), &found)
		wait := func(seconds int) {
			for range seconds {
				<-time.After(time.Second)
				s.notYet(errors.New("the server doesn't serve yet"))
			}
		}
		wait(150)
		lines := seen.FilterMessage("the server doesn't serve yet").All()
		if len(lines) != 2 || lines[1].ContextMap()["after"] != 2*time.Minute {
			t.Errorf("%v, want a line after one minute and after two", lines)
		}
		reasons := "b: ports: port 1 of a gives no answer (a firewall)"
		found.Store(&reasons)
		wait(60)
		if lines := seen.FilterMessage("the server doesn't serve yet; preflight found: " + reasons + "; this may be why").All(); len(lines) != 1 {
			t.Errorf("%v, want what was found before the run", seen.All())
		}
	})
}
