package rendezvous

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// everyMessage has one of each kind, with every field set. A message more
// belongs here, and into docs/protocol.md.
func everyMessage() []message {
	outcome := &Outcome{Code: 3, Rank: 1, Node: "b", Cause: "the job ended with 3", Tail: []string{"Traceback:", "x < y"}, Job: true}
	roster := Roster{
		RunID:   "RUN",
		Nodes:   []Node{{Name: "head", Addr: addr("10.0.0.1")}, {Name: "b"}, {Name: "c", Addr: addr("fe80::1%eth0"), Gone: true}},
		Payload: json.RawMessage(`{"env":{"NCCL_DEBUG":"INFO"}}`),
	}
	return []message{
		{Type: kindJoin, Join: &application{ID: "ID", Try: 2, Node: Node{
			Name: "b", Addr: addr("10.0.0.2"), Rank: NoRank, Match: []Match{{Name: "ray", Value: "2.60.0"}},
		}, Was: &Place{RunID: "RUN", Rank: 1}, Report: json.RawMessage(`{"nofile":1024}`), Now: 1700000000000}},
		{
			Type: kindRefuse, Refusal: &refusal{Reason: "the run has ended", Fix: "start it again", Retry: true},
			Outcome: &Outcome{Code: 0, Rank: 0, Node: "head", Cause: "the job ended"},
		},
		{Type: kindWelcome, Terms: &terms{LostAfter: 10000}},
		{Type: kindWait, Wait: &wait{Stage: Gathering, Have: 2, Want: 3, Missing: []string{"c"}}},
		{Type: kindPlace, Rank: new(1)},
		{Type: kindChange, Change: &change{Came: []Node{{Name: "d", Addr: addr("10.0.0.4"), Rank: 3}, {Name: "e", Rank: 4}}, Gone: []int{4}}},
		{Type: kindRoster, Roster: roster.wire()},
		{Type: kindReady},
		{Type: kindGo},
		{Type: kindBeat},
		{Type: kindPing},
		{Type: kindPong},
		{Type: kindStop, Signal: syscall.SIGTERM},
		{Type: kindFail, Outcome: outcome},
		{Type: kindDone},
		{Type: kindOutcome, Outcome: &Outcome{Code: 69, Rank: 1, Node: "b", Cause: "lost b", Again: true}},
		{Type: kindAck},
	}
}

// TestWire compares every greeting and message with the files under testdata,
// so that a change of what goes over the wire shows in review, and reads them
// back.
func TestWire(t *testing.T) {
	proof := [proofSize]byte(bytes.Repeat([]byte{0xab}, proofSize))
	greetings := map[string]hello{
		"hello-worker":        {version: protocolVersion, mode: modeSecret, proof: proof},
		"hello-worker-none":   {version: protocolVersion},
		"hello-other-version": {version: protocolVersion, mode: modeSecret, answer: otherVersion},
		"hello-need-secret":   {version: protocolVersion, mode: modeSecret, answer: needSecret},
		"hello-has-no-secret": {version: protocolVersion, mode: modeNone, answer: hasNoSecret},
		"hello-wrong-secret":  {version: protocolVersion, mode: modeSecret, answer: wrongSecret},
	}
	for name, h := range greetings {
		golden(t, name+".hex", hex.Dump(h.bytes()))
		if back, err := readHello(bytes.NewReader(h.bytes())); err != nil || back != h {
			t.Errorf("%s: read back as %+v, error %v", name, back, err)
		}
	}
	for _, m := range everyMessage() {
		frame, err := encode(m)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, frame[frameHead:], "", "  "); err != nil {
			t.Fatal(err)
		}
		golden(t, string(m.Type)+".json", pretty.String()+"\n")
		body, err := readFrame(bytes.NewReader(frame), maxFrame)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode(body); err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("%s: read back as %+v, error %v", m.Type, back, err)
		}
		if !reflect.DeepEqual(bare(m.Type), frame) && len(frame) < 25 {
			t.Errorf("%s: bare makes %q, encode %q", m.Type, bare(m.Type), frame)
		}
	}
}

// TestMessagesLackNothing: a message without the field that its type needs is none.
func TestMessagesLackNothing(t *testing.T) {
	for _, m := range everyMessage() {
		alone := reflect.DeepEqual(m, message{Type: m.Type})
		if _, err := decode(bare(m.Type)[frameHead:]); (err == nil) != alone {
			t.Errorf("%s alone: error %v", m.Type, err)
		}
	}
	for body, ok := range map[string]bool{
		`{"type":"place","rank":0}`: true, `{"type":"stop","signal":-1}`: false,
		`{"type":"welcome","terms":{}}`: false, `{"type":"welcome","terms":{"lost_after_ms":-1}}`: false,
		`{"type":"welcome","terms":{"lost_after_ms":86400000}}`: true, `{"type":"welcome","terms":{"lost_after_ms":86400001}}`: false,
	} {
		if _, err := decode([]byte(body)); (err == nil) != ok {
			t.Errorf("%s: error %v", body, err)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./rendezvous -run %s -update", err, t.Name())
	}
	if got != string(want) {
		t.Errorf("%s is another one now:\n%s\nwas:\n%s\nif that is meant: go test ./rendezvous -run %s -update",
			name, got, want, t.Name())
	}
}

func TestRosterOverTheWire(t *testing.T) {
	r := Roster{RunID: "RUN", Nodes: []Node{
		{Name: "head", Addr: addr("10.0.0.1"), Rank: 0}, {Name: "b", Rank: 1}, {Name: "b", Addr: addr("::1"), Rank: 2},
	}}
	back, err := r.wire().roster()
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("read back as %+v, error %v", back, err)
	}
	for _, w := range []wireRoster{
		{Names: "a b", Addrs: "10.0.0.1"},
		{Names: "a b", Addrs: "10.0.0.1 nowhere"},
		{Names: "", Addrs: ""},
		{Names: "a b", Addrs: "- -", Gone: []int{0}},
		{Names: "a b", Addrs: "- -", Gone: []int{2}},
	} {
		if back, err := w.roster(); err == nil {
			t.Errorf("%+v is read as %+v", w, back)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("ü", maxTailLine)
	o := Outcome{Cause: long, Node: long, Tail: []string{long}}.trimmed()
	for _, s := range []string{o.Cause, o.Node, o.Tail[0]} {
		if !strings.HasSuffix(s, "ü…") || len(s) > maxTailLine {
			t.Errorf("cut to %d bytes, %q", len(s), s[len(s)-8:])
		}
	}
	many := make([]Node, 20)
	for i := range many {
		many[i].Name = fmt.Sprint("n", i)
	}
	if got := named(many); got != "n0, n1, n2, n3, n4, n5, n6, n7 and 12 more" {
		t.Errorf("named as %q", got)
	}
}

func FuzzFrame(f *testing.F) {
	for _, m := range everyMessage() {
		frame, err := encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		body, err := readFrame(bytes.NewReader(in), maxJoin)
		if err != nil {
			return
		}
		m, err := decode(body)
		if err != nil {
			return
		}
		// What was understood can be said again, and means the same.
		frame, err := encode(m)
		if err != nil {
			t.Fatalf("%+v cannot be sent: %v", m, err)
		}
		again, err := decode(frame[frameHead:])
		if err != nil {
			t.Fatalf("%+v is not understood when sent again: %v", m, err)
		}
		if a, b := fmt.Sprintf("%+v", again.Type), fmt.Sprintf("%+v", m.Type); a != b {
			t.Fatalf("%s became %s", b, a)
		}
		if m.Join != nil && m.Join.check() == nil {
			// A report's white space is not kept, nor how its characters are written.
			if (len(m.Join.Report) == 0) != (len(again.Join.Report) == 0) {
				t.Fatalf("report %q became %q", m.Join.Report, again.Join.Report)
			}
			m.Join.Report, again.Join.Report = nil, nil
			if !reflect.DeepEqual(again.Join, m.Join) {
				t.Fatalf("%+v became %+v", m.Join, again.Join)
			}
		}
		if m.Roster != nil {
			if r, err := m.Roster.roster(); err == nil && len(r.Nodes) == 0 {
				t.Fatal("a roster without a node")
			}
		}
		if m.Outcome != nil {
			o := m.Outcome.trimmed()
			if frame, err := encode(message{Type: kindOutcome, Outcome: &o}); err != nil {
				t.Fatalf("an outcome of %d bytes cannot be sent: %v", len(frame), err)
			}
		}
	})
}

func FuzzHello(f *testing.F) {
	f.Add(hello{version: protocolVersion, mode: modeSecret}.bytes())
	f.Add(hello{version: 3, answer: 9}.bytes())
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		h, err := readHello(r)
		rest, _ := io.ReadAll(r)
		read := in[:len(in)-len(rest)]
		switch {
		case len(read) > helloSize:
			t.Fatalf("read %d bytes of a greeting", len(read))
		case err != nil:
		case h.version == protocolVersion && !bytes.Equal(h.bytes(), read):
			t.Fatalf("%x was read as %+v", read, h)
		case h.version != protocolVersion && len(read) != prefixSize:
			t.Fatalf("read %d bytes of another version's greeting", len(read))
		}
	})
}

// TestLongestRoster has a roster that is as long as one may be fit its frame.
func TestLongestRoster(t *testing.T) {
	r := Roster{RunID: strings.Repeat("r", 26), Payload: []byte(`"` + strings.Repeat("x", maxPayload-2) + `"`)}
	for range maxNodes {
		r.Nodes = append(r.Nodes, Node{
			Name: strings.Repeat("n", maxName),
			Addr: addr("fe80:1111:2222:3333:4444:5555:6666:7777%wlp0s20f3u1u2u3"),
			Gone: len(r.Nodes) > 0,
		})
	}
	if _, err := encode(message{Type: kindRoster, Roster: r.wire()}); err != nil {
		t.Error(err)
	}
}
