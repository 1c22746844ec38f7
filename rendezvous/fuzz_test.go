package rendezvous

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"net"
	"testing"
	"time"
)

// deadSession is a session whose connection is closed.
func deadSession() *session {
	near, far := net.Pipe()
	_, _ = near.Close(), far.Close()
	return newSession(tls.Client(near, clientTLS()), time.Second)
}

// FuzzHead has a head in each of its states judge an applicant and hear what a
// member says.
func FuzzHead(f *testing.F) {
	for _, m := range everyMessage() {
		body, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		for state := range ended + 1 {
			f.Add(uint8(state), body)
		}
	}
	f.Fuzz(func(t *testing.T, state uint8, body []byte) {
		msg, err := decode(body)
		if err != nil {
			return
		}
		h := startHead(t, HeadConfig{
			Listener: newPipes(), Nodes: 3, MaxNodes: 4, Rejoin: state%2 == 0, UniqueAddrs: true, LostAfter: time.Second,
			Self: Node{Name: "head", Addr: addr("10.0.0.1")},
		})
		h.mu.Lock()
		b := newMember(application{ID: "B", Node: Node{Name: "b", Addr: addr("10.0.0.2"), Rank: NoRank}}, deadSession())
		c := newMember(application{ID: "C", Node: Node{Name: "c", Addr: addr("10.0.0.3"), Rank: NoRank}}, deadSession())
		h.members["B"], h.members["C"] = b, c
		if state > 0 {
			h.tryAgree()
			h.roster.RunID = "RUN" // as in what is fed
		}
		if state > 1 {
			for _, m := range h.placed {
				h.markReady(m)
			}
			h.drop(c, "lost")
		}
		h.mu.Unlock()
		if state > 2 {
			h.finish(theEnd)
		}
		h.hear(b, msg)
		if msg.Join != nil && msg.Join.check() == nil {
			h.mu.Lock()
			if no := h.judge(h.self.node, *msg.Join); no != nil && (no.Reason == "" || no.Fix == "") {
				t.Errorf("%s is refused with %+v", body, no)
			}
			h.mu.Unlock()
		}
		for _, n := range h.Roster().Nodes {
			if n.Gone && n.Rank == 0 {
				t.Error("the head is lost to itself")
			}
		}
		_ = h.Close()
	})
}

// FuzzWorker has a worker hear frames, one after the other.
func FuzzWorker(f *testing.F) {
	var all []byte
	for _, m := range everyMessage() {
		frame, err := encode(m)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, frame...)
		f.Add(frame)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, in []byte) {
		cfg := newPipes().worker("b", "10.0.0.2")
		if err := cfg.prepare(); err != nil {
			t.Fatal(err)
		}
		w := newWorker(&joiner{cfg: cfg}, deadSession())
		for r := bytes.NewReader(in); ; {
			body, err := readFrame(r, maxFrame)
			if err != nil {
				break
			}
			m, err := decode(body)
			if err != nil || w.hear(m) != nil {
				break
			}
		}
		w.lost(errClosed)
		if !isClosed(w.overC) {
			t.Error("it goes on without a session")
		}
		r := w.Roster()
		for i, n := range r.Nodes {
			if n.Rank != i || i == 0 && n.Gone {
				t.Fatalf("a roster with %+v at %d", n, i)
			}
		}
		if w.agreed() && (w.Rank() < 1 || w.Rank() >= len(r.Nodes)) {
			t.Errorf("rank %d in a roster of %d", w.Rank(), len(r.Nodes))
		}
	})
}
