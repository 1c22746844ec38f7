package status

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// Config is what a Board needs.
type Config struct {
	Version string // syminit's
	Node    string // this node's name
	Nodes   int    // how many the run needs
	// Delay is how long the first state may wait until it can be seen, so that a
	// command that is over by then pays nothing for it. 0: not at all.
	Delay time.Duration
	Now   func() time.Time
	Log   *zap.Logger
}

// A Board has this node's state, for all who ask. A nil Board takes everything
// and shows nothing.
type Board struct {
	now func() time.Time
	log *zap.Logger

	mu    sync.Mutex
	state State
	page  page
	first *time.Timer // shows the state; nil when it was shown

	pulse  pulse
	server *server // nil where no port was asked for
}

// New returns a Board.
func New(c Config) *Board {
	b := &Board{now: c.Now, log: c.Log, page: noPage, state: State{Version: c.Version, Node: c.Node, Nodes: c.Nodes, Rank: -1, Since: c.Now(), Roster: []Node{}}}
	if c.Delay > 0 {
		b.first = time.AfterFunc(c.Delay, b.show)
	}
	return b
}

// Update changes the state, and shows it.
func (b *Board) Update(change func(*State)) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.state)
	if b.first == nil {
		b.write()
	}
}

// show shows the first state.
func (b *Board) show() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first != nil {
		b.first = nil
		b.write()
	}
}

// write is called with mu held.
func (b *Board) write() {
	if err := b.page.write(&b.state); err != nil {
		b.log.Debug("syminit health and status can't see the state", zap.Error(err))
	}
}

// Begin starts a run: the first, or one after another.
func (b *Board) Begin() {
	b.Update(func(s *State) {
		s.Attempt++
		s.Last, s.Ending, s.Run, s.Waiting, s.Health = s.Ending, "", "", "", nil
	})
}

// Enter says in which state the run is now.
func (b *Board) Enter(state string) {
	b.Update(func(s *State) { s.State, s.Since = state, b.now() })
}

// Wait says what is waited for; "" when nothing is.
func (b *Board) Wait(text string) {
	b.Update(func(s *State) { s.Waiting = text })
}

// End says why the run ends. The first cause counts.
func (b *Board) End(why string) {
	b.Update(func(s *State) {
		if s.Ending == "" {
			s.Ending = why
		}
	})
}

// Read returns the state as it is now.
func (b *Board) Read() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Close ends what the Board shows.
func (b *Board) Close() {
	if b.server != nil {
		close(b.server.closed)
		_ = b.server.listener.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.page.remove()
	if b.first != nil {
		b.first.Stop()
		b.first = nil
	}
}
