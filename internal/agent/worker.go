package agent

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"

	"go.uber.org/zap"

	"github.com/syminit/syminit/rendezvous"
)

// workerMember is this node's part in a run that another node leads.
type workerMember struct {
	join rendezvous.WorkerConfig
	log  *zap.Logger
	end  func(rendezvous.Outcome)
	// stops gets what the head passes on.
	stops chan<- stopRequest
	met   func() // told each time that a head has taken this node in
	// port, unless nil, is why this node isn't the head.
	port *takenPort

	mu      sync.Mutex
	worker  *rendezvous.Worker // nil until a head has taken this node in
	agreed  bool               // the worker has the roster
	told    syscall.Signal     // what this node was told to stop with, and the head is told too; 0: nothing
	decided chan struct{}      // closed when verdict is set
	verdict rendezvous.Outcome // the head's
}

func (w *workerMember) Agree(ctx context.Context) (rendezvous.Roster, int, error) {
	join := w.join
	join.Joined = w.joined
	if w.port != nil {
		join.AnswerWithin = headSilence
		var leave context.CancelCauseFunc
		ctx, leave = context.WithCancelCause(ctx)
		defer leave(nil)
		join.Dial = func(ctx context.Context) (net.Conn, error) {
			if w.port.free() {
				leave(errPortFree)
				return nil, errPortFree
			}
			return w.join.Dial(ctx)
		}
	}
	joined, err := rendezvous.Join(ctx, join)
	if silent, ok := errors.AsType[*rendezvous.UnreachableError](err); ok && w.port != nil && silent.Silent {
		err = w.port.explain(silent)
	}
	if err != nil {
		return rendezvous.Roster{}, rendezvous.NoRank, err
	}
	w.mu.Lock()
	w.worker, w.agreed = joined, true
	w.mu.Unlock()
	go w.watch(joined)
	return joined.Roster(), joined.Rank(), nil
}

// joined takes note that a head has taken this node in. What was said of a stop
// over a connection that broke since is said again.
func (w *workerMember) joined(worker *rendezvous.Worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worker = worker
	w.met()
	if w.told != 0 {
		w.ask(w.told)
	}
}

// watch ends the run on this node when the head says so, or is gone.
func (w *workerMember) watch(joined *rendezvous.Worker) {
	for {
		select {
		case s := <-joined.Stops():
			w.tellJob(s)
		case verdict := <-joined.Outcome():
			// What the head passed on before counts: a job that was told to stop
			// has more time than one that is just over.
			for len(joined.Stops()) > 0 {
				w.tellJob(<-joined.Stops())
			}
			w.verdict = verdict
			close(w.decided)
			w.end(verdict)
			return
		}
	}
}

// tellJob passes on a stop that the head has decided, and returns once it has
// reached the job.
func (w *workerMember) tellJob(s syscall.Signal) {
	handled := make(chan struct{})
	w.stops <- stopRequest{signal: s, from: "another node", passedOn: true, handled: handled}
	<-handled
}

// session is the one with the roster, nil before.
func (w *workerMember) session() *rendezvous.Worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.agreed {
		return nil
	}
	return w.worker
}

func (w *workerMember) Ready(ctx context.Context) error { return w.session().Ready(ctx) }

// Stop asks the head to end the run, now or once it has taken this node in. But a
// node that was in no run before just leaves, as long as there is no one to ask.
func (w *workerMember) Stop(s syscall.Signal) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.worker != nil && w.ask(s) {
		return true
	}
	if w.agreed || w.join.Was == (rendezvous.Place{}) {
		return false
	}
	w.worker, w.told = nil, s // that head is gone: the next is told once it has taken this node in
	return true
}

// Reached reports whether a head has taken this node in, and isn't known to be
// gone since.
func (w *workerMember) Reached() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.worker != nil
}

// ask is called with mu held.
func (w *workerMember) ask(s syscall.Signal) bool {
	if err := w.worker.Stop(s); err != nil {
		w.log.Debug("asking the head to end the run", zap.Error(err))
		return false
	}
	w.told = s
	return true
}

// Spread does nothing: the head decides.
func (*workerMember) Spread(syscall.Signal) {}

// Done tells the head, and leaves the rest to it.
func (w *workerMember) Done(ctx context.Context) error {
	if err := w.session().Done(); err != nil {
		w.log.Debug("telling the head that this node is done", zap.Error(err))
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// Settle reports o to the head, unless it has decided already, and waits for
// what it decides. A head that is lost decides nothing any more.
func (w *workerMember) Settle(ctx context.Context, o rendezvous.Outcome, followed func(rendezvous.Outcome) rendezvous.Outcome) rendezvous.Outcome {
	joined := w.session()
	if joined == nil {
		return o
	}
	held := func() rendezvous.Outcome {
		if joined.HeadLost() {
			w.verdict = followed(w.verdict)
		}
		return w.verdict
	}
	select {
	case <-w.decided:
		return held()
	default:
	}
	if err := joined.Fail(o); err != nil {
		w.log.Debug("reporting the failure to the head", zap.Error(err))
	}
	select {
	case <-w.decided:
		return held()
	case <-ctx.Done():
		return o
	}
}

func (w *workerMember) Close() error {
	if joined := w.session(); joined != nil {
		return joined.Close()
	}
	return nil
}
