package agent

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/rendezvous"
)

// waitingEvery is how often a line says that this node still waits.
const waitingEvery = 10 * time.Second

// waiting shows a person what is still missing: one live line on a terminal,
// otherwise a log line for every change and one every waitingEvery.
type waiting struct {
	log   *zap.Logger
	live  func(text string) // nil where there is no terminal
	tell  func(text string) // hears each change, "" at the end
	since time.Time
	over  chan struct{}

	mu      sync.Mutex
	last    string
	meeting bool   // it is other nodes that are waited for
	doubts  string // what may keep them from meeting
	found   bool   // a head has taken this node in: there is nothing to doubt
	done    bool
}

// newWaiting starts to repeat what update and say tell it, until end.
func newWaiting(log *zap.Logger, live, tell func(string)) *waiting {
	w := &waiting{log: log, live: live, tell: tell, since: time.Now(), over: make(chan struct{})}
	go w.run()
	return w
}

// update is told whenever what is waited for changes. Who is missing is worth a
// line at once; why the head isn't reached has one in the log already, and that
// Ray takes its seconds to start is worth one only when it lasts.
func (w *waiting) update(p rendezvous.Progress) {
	w.mu.Lock()
	w.meeting = p.Stage != rendezvous.Starting
	w.mu.Unlock()
	w.say(describeProgress(p), p.Stage == rendezvous.Gathering)
}

func (w *waiting) say(text string, now bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text == w.last || w.done {
		return
	}
	w.last = text
	w.tell(text)
	switch {
	case w.live != nil:
		w.show()
	case now:
		w.log.Info(text)
	}
}

func (w *waiting) show() {
	// A narrow terminal has no room for the end of it, so what changes is in front.
	w.live(fmt.Sprintf("syminit (%s): %s%s", time.Since(w.since).Round(time.Second), w.last, w.doubted()))
}

// doubt takes note of what may keep the nodes from meeting; "" for nothing. It is
// said where the waiting lasts.
func (w *waiting) doubt(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.found {
		w.doubts = text
	}
}

// met ends what is doubted, and what a look that takes longer may still doubt.
func (w *waiting) met() { w.find(true) }

// seek begins anew, with another role.
func (w *waiting) seek() { w.find(false) }

func (w *waiting) find(head bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found, w.doubts = head, ""
}

// doubted ends a line with the doubt, where it may be why there is still one. It
// is called with mu held.
func (w *waiting) doubted() string {
	if w.doubts == "" || !w.meeting {
		return ""
	}
	return "; " + w.doubts
}

// explain adds the doubt to the error that the waiting has ended with.
func (w *waiting) explain(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, missing := errors.AsType[*rendezvous.MissingError](err)
	_, unreachable := errors.AsType[*rendezvous.UnreachableError](err)
	if doubt := w.doubted(); doubt != "" && (missing || unreachable) {
		return fmt.Errorf("%w%s", err, doubt)
	}
	return err
}

// end says that there is nothing to wait for any more.
func (w *waiting) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	w.done = true
	close(w.over)
	if w.last != "" {
		w.tell("")
	}
	if w.live != nil {
		w.live("")
	}
}

func (w *waiting) run() {
	every := waitingEvery
	if w.live != nil {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-w.over:
			return
		case <-tick.C:
			w.repeat()
		}
	}
}

func (w *waiting) repeat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.last == "" || w.done:
	case w.live != nil:
		w.show()
	default:
		w.log.Info(w.last+w.doubted(), zap.Duration("waiting", time.Since(w.since).Round(time.Second)))
	}
}

func describeProgress(p rendezvous.Progress) string {
	var text string
	switch p.Stage {
	case rendezvous.Connecting:
		text = "waiting for the head"
	case rendezvous.Gathering:
		text = fmt.Sprintf("%d/%d nodes are here", p.Have, p.Want)
	case rendezvous.Starting:
		text = fmt.Sprintf("%d/%d nodes are ready", p.Have, p.Want)
	}
	if len(p.Missing) > 0 {
		text += ", missing: " + strings.Join(p.Missing, ", ")
	}
	if p.Problem != "" {
		text += " (" + p.Problem + ")"
	}
	return text
}
