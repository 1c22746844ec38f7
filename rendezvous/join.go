package rendezvous

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/netip"
	"time"

	"go.uber.org/zap"
)

const (
	dialTime = 5 * time.Second // of one try
	pauseMin = 50 * time.Millisecond
	pauseMax = time.Second
)

// WorkerConfig says how a worker finds its head.
type WorkerConfig struct {
	// Dial connects to the head. It is called again until it works, so it
	// should look the head's name up each time.
	Dial     func(context.Context) (net.Conn, error)
	Head     string         // what Dial connects to, for messages: host and port
	Secret   []byte         // as the head's; nil: prove nothing, and ask for no proof
	Self     Node           // this node; see Node for what may be empty
	Was      Place          // this node's place in the run before, which it asks for again; zero: none
	Progress func(Progress) // told as far as the waiting goes, one call at a time; nil: nobody is. It must not call the Worker
	// Report is what the head is told of this node, as JSON of 16 KiB at most; own
	// is the address at which it reaches the head. It is asked once for each
	// connection, and must be quick: the head waits. nil: nothing.
	Report  func(own netip.Addr) json.RawMessage
	Changed func(Roster) // told the roster as it is now, when others were lost or joined in a run that goes on; as Progress
	// Joined is given the worker each time that a head has taken it in: until
	// Join returns, it is there to be told to Stop. It must be quick. nil: nobody is.
	Joined func(*Worker)
	// AnswerWithin is how long Join tries where nothing has answered as a head does,
	// not even with a no. 0: as long as the context lasts.
	AnswerWithin time.Duration
	Log          *zap.Logger // nil: no log

	jitter func(time.Duration) time.Duration // a part of a pause, by chance; nil: any part
}

func (c *WorkerConfig) prepare() error {
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if c.Changed == nil {
		c.Changed = func(Roster) {}
	}
	if c.Joined == nil {
		c.Joined = func(*Worker) {}
	}
	if c.jitter == nil {
		c.jitter = mathrand.N[time.Duration]
	}
	switch {
	case c.Dial == nil:
		return errors.New("nothing to dial")
	case c.Secret != nil && len(c.Secret) == 0:
		return errors.New("the secret is empty")
	}
	return c.Self.check()
}

// Join makes this node a worker of the run whose head Dial finds, and returns
// when all nodes are there. Until the context ends it tries again whatever time
// may cure: no answer, a lost connection, a head that is ending its run.
//
// It fails with a [RefusedError] as soon as the head, or what answers in its
// place, is one that this node cannot join; with an [EndedError] when the run
// ended before it began; and when the context's deadline has passed, with a
// [MissingError] if the head was there and nodes were missing, else with an
// [UnreachableError]; with that too when AnswerWithin is over.
func Join(ctx context.Context, cfg WorkerConfig) (*Worker, error) {
	if err := cfg.prepare(); err != nil {
		return nil, fmt.Errorf("join a run: %w", err)
	}
	j := &joiner{cfg: cfg, id: rand.Text(), began: time.Now(), pause: pauseMin}
	for {
		w, err := j.try(ctx)
		var no *refusal
		var ended *EndedError
		if errors.As(err, &no) || errors.As(err, &ended) {
			j.answered = true
		}
		switch {
		case err == nil:
			return w, nil
		case errors.As(err, &no) && !no.Retry:
			return nil, &RefusedError{Head: cfg.Head, Reason: no.Reason, Fix: no.Fix}
		case errors.As(err, &ended) && !ended.Outcome.Again:
			return nil, err
		case ctx.Err() != nil:
			return nil, j.gaveUp(ctx, err)
		}
		j.note(err)
		if cfg.AnswerWithin > 0 && !j.answered && time.Since(j.began) >= cfg.AnswerWithin {
			return nil, j.unreachable(err)
		}
		select {
		case <-ctx.Done():
			return nil, j.gaveUp(ctx, err)
		case <-time.After(j.nextPause()):
		}
	}
}

// joiner is one call of Join.
type joiner struct {
	cfg   WorkerConfig
	id    string
	tries int
	began time.Time
	pause time.Duration
	last  error  // of the last try that the context did not cut short
	told  string // what the log was told last

	answered bool // something there was a head
}

// note tells why a try failed, if that is another reason than before.
func (j *joiner) note(err error) {
	j.last = err
	if text := plain(err); text != j.told {
		j.told = text
		j.cfg.Log.Info("waiting for the head", zap.String("head", j.cfg.Head), zap.String("because", text))
		j.cfg.Progress(Progress{Stage: Connecting, Problem: text, Since: j.began})
	}
}

// nextPause grows from try to try. It is different on every node, so that a
// thousand of them do not come back in step.
func (j *joiner) nextPause() time.Duration {
	pause := j.pause
	j.pause = min(2*pause, pauseMax)
	return pause/2 + j.cfg.jitter(pause/2)
}

func (j *joiner) gaveUp(ctx context.Context, err error) error {
	var missing *MissingError
	switch {
	case !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("join %s: %w", j.cfg.Head, context.Cause(ctx))
	case errors.As(err, &missing):
		return err
	case j.last != nil:
		err = j.last
	}
	return j.unreachable(err)
}

func (j *joiner) unreachable(err error) *UnreachableError {
	return &UnreachableError{Head: j.cfg.Head, Waited: time.Since(j.began), Last: err, Silent: !j.answered}
}

// try makes one connection and waits on it for the roster.
func (j *joiner) try(ctx context.Context) (*Worker, error) {
	conn, err := j.dial(ctx)
	if err != nil {
		return nil, err
	}
	ownBeats(conn)
	release := context.AfterFunc(ctx, func() { _ = conn.Close() })
	sess, err := j.introduce(conn)
	if !release() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	j.pause, j.told = pauseMin, ""
	j.cfg.Log.Info("joined, waiting for the other nodes", zap.String("head", j.cfg.Head))
	w := newWorker(j, sess)
	j.cfg.Joined(w)
	go w.run()
	if err := w.await(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock() // it may change already
	run, nodes := w.roster.RunID, named(w.roster.Nodes)
	w.mu.Unlock()
	j.cfg.Log.Info("all nodes are here", zap.String("run", run), zap.Int("rank", w.rank),
		zap.String("nodes", nodes), zap.Duration("after", time.Since(j.began)))
	return w, nil
}

// await waits for the roster. If that doesn't come, it closes the worker and says
// why. What came last of several things is not known: the roster goes before
// what followed it, and the outcome before the end of the time.
func (w *Worker) await(ctx context.Context) error {
	select {
	case <-w.agreedC:
	case <-w.overC:
	case <-ctx.Done():
	}
	if w.agreed() {
		return nil
	}
	late := !isClosed(w.overC)
	_ = w.Close()
	if err := w.early(); !late || errors.As(err, new(*EndedError)) {
		return err
	}
	return w.missing(Gathering, w.began)
}

func (j *joiner) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return j.cfg.Dial(ctx)
}

// introduce proves this node to the head, the head to it, and asks to be taken in.
func (j *joiner) introduce(conn net.Conn) (*session, error) {
	if err := conn.SetDeadline(time.Now().Add(proofTime)); err != nil {
		return nil, err
	}
	report := j.cfg.report(addrOf(conn.LocalAddr())) // before the head takes the time
	channel := tls.Client(conn, clientTLS())
	if err := greetHead(channel, j.cfg.Secret); err != nil {
		return nil, err
	}
	j.answered = true
	self := j.cfg.Self
	if !self.Addr.IsValid() {
		self.Addr = addrOf(conn.LocalAddr())
	}
	j.tries++
	a := &application{ID: j.id, Try: j.tries, Node: self, Report: report, Now: time.Now().UnixMilli()}
	if was := j.cfg.Was; was != (Place{}) {
		a.Was = &was
	}
	frame, err := encode(message{Type: kindJoin, Join: a})
	if err != nil {
		return nil, err
	}
	if _, err := channel.Write(frame); err != nil {
		return nil, err
	}
	body, err := readFrame(channel, maxFrame)
	if err != nil {
		return nil, err
	}
	m, err := decode(body)
	switch {
	case err != nil:
		return nil, err
	case m.Type == kindRefuse && m.Outcome != nil:
		return nil, &EndedError{*m.Outcome}
	case m.Type == kindRefuse:
		return nil, m.Refusal
	case m.Type != kindWelcome:
		return nil, nonsense(fmt.Sprintf("a message %q in place of a welcome", cut(string(m.Type), maxName)))
	}
	return newSession(channel, m.Terms.silence()), nil
}

// early is why a session was over before the roster. It is called after Close.
func (w *Worker) early() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.outcome != nil {
		return &EndedError{*w.outcome}
	}
	return w.sess.err
}

// missing is the error of a worker that waited for other nodes in vain. What
// it knows of them is what the head told last.
func (w *Worker) missing(stage Stage, began time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := &MissingError{Stage: stage, Want: len(w.roster.Nodes), Waited: time.Since(began)}
	if w.heard.Stage == stage {
		e.Have, e.Want, e.Missing = w.heard.Have, w.heard.Want, w.heard.Missing
	}
	return e
}
