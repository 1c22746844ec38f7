package rendezvous

import (
	"crypto/tls"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// heardBy has a worker that is not in any run hear messages, up to the first that it
// ends the session for.
func heardBy(t *testing.T, messages ...message) (*Worker, error) {
	t.Helper()
	cfg := newPipes().worker("b", "10.0.0.2")
	if err := cfg.prepare(); err != nil {
		t.Fatal(err)
	}
	w := newWorker(&joiner{cfg: cfg}, deadSession())
	for _, m := range messages {
		if err := w.hear(m); err != nil {
			return w, err
		}
	}
	return w, nil
}

// TestWorkerKeepsTheOrder: what comes out of turn ends the session, and what only a
// head should hear is skipped.
func TestWorkerKeepsTheOrder(t *testing.T) {
	roster := message{Type: kindRoster, Roster: Roster{RunID: "RUN", Nodes: []Node{{Name: "head"}, {Name: "b"}, {Name: "c"}}}.wire()}
	place := func(rank int) message { return message{Type: kindPlace, Rank: &rank} }
	lost := message{Type: kindChange, Change: &change{Gone: []int{2}}}
	start := message{Type: kindGo}
	for name, c := range map[string]struct {
		says []message
		ok   bool
	}{
		"in order":               {[]message{place(1), roster, start, lost, lost}, true},
		"a roster alone":         {[]message{roster}, false},
		"the head's own place":   {[]message{place(0), roster}, false},
		"a place out of range":   {[]message{place(3), roster}, false},
		"a second roster":        {[]message{place(1), roster, roster}, false},
		"a go before the roster": {[]message{place(1), start}, false},
		"a second go":            {[]message{place(1), roster, start, start}, false},
		"a change that is early": {[]message{place(1), {Type: kindChange, Change: new(change)}}, false},
		"a second place":         {[]message{place(1), roster, place(2)}, true},
	} {
		w, err := heardBy(t, c.says...)
		if (err == nil) != c.ok || c.ok && w.Rank() != 1 {
			t.Errorf("%s: rank %d, error %v", name, w.Rank(), err)
		}
	}
	for _, k := range []kind{kindJoin, kindReady, kindFail, kindDone, kindAck, kindRefuse, kindWelcome, kindBeat, kindPong, "metrics"} {
		if w, err := heardBy(t, message{Type: k}); err != nil || w.agreed() || isClosed(w.overC) {
			t.Errorf("%q isn't skipped: %v", k, err)
		}
	}
}

// TestOnlyTheFirstOutcomeCounts, and the end of the session after it doesn't.
func TestOnlyTheFirstOutcomeCounts(t *testing.T) {
	w, _ := heardBy(t, message{Type: kindOutcome, Outcome: &theEnd}, message{Type: kindOutcome, Outcome: &again})
	w.lost(errClosed)
	if o := <-w.Outcome(); o.Cause != theEnd.Cause || w.HeadLost() {
		t.Errorf("outcome %+v, head lost: %t", o, w.HeadLost())
	}
}

// TestAcknowledgedBeforeItActs: the outcome isn't known here before the acknowledgement
// is written, which a head that doesn't read can hold up for a second.
func TestAcknowledgedBeforeItActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := newLine(netip.MustParseAddrPort("10.0.0.2:40000"), netip.MustParseAddrPort("10.0.0.1:6378"))
		go func() { _ = server(far).Handshake() }()
		conn := tls.Client(near, clientTLS())
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		far.in = make([]byte, lineRoom)
		w, _ := heardBy(t)
		w.sess = newSession(conn, time.Minute)
		began := time.Now()
		go func() { _ = w.hear(message{Type: kindOutcome, Outcome: &theEnd}) }()
		<-w.Outcome()
		if d := time.Since(began); d != time.Second {
			t.Errorf("it knows the outcome after %s", d)
		}
		_ = near.Close()
	})
}
