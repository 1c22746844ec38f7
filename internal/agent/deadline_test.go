package agent

import (
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/config"
)

// TestTermBeforeTheJobsEnd: what watchEnd asks for, and when.
func TestTermBeforeTheJobsEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		left time.Duration // of the job's time; 0: nobody says
		want time.Duration // until TERM; -1: never
	}{
		"an hour":           {time.Hour, time.Hour - 14*time.Second},
		"almost over":       {5 * time.Second, 0},
		"over":              {-time.Minute, -1},
		"nobody says":       {0, -1},
		"more than the run": {100 * time.Hour, -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := Config{
					Settings: &config.Config{EndMargin: 14 * time.Second}, Log: zap.NewNop(),
					Facts: cluster.Facts{Source: "slurm", Names: []string{"n1"}},
				}
				if tt.left != 0 {
					c.Facts.End = time.Now().Add(tt.left)
				}
				stops := make(chan stopRequest)
				began := time.Now()
				finished, gone := make(chan struct{}), make(chan struct{})
				go func() { watchEnd(c, stops, finished); close(gone) }()
				select {
				case r := <-stops:
					if took := time.Since(began); tt.want < 0 || took != tt.want || r.signal != syscall.SIGTERM {
						t.Errorf("%v after %s, want it after %s", r, took, tt.want)
					}
					if !strings.HasPrefix(r.String(), "SIGTERM on node n1, ") || !strings.Contains(r.String(), "before slurm ends the job at ") {
						t.Errorf("the request is %q", r)
					}
				case <-time.After(99 * time.Hour):
					if tt.want >= 0 {
						t.Error("no TERM")
					}
				}
				close(finished)
				<-gone
			})
		})
	}
}
