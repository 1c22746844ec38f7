package launch

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/syminit/syminit/internal/launch/gcs"
)

const often = time.Millisecond

// fakeGCS answers as Ray's GCS: it is what a test says it is at the moment.
type fakeGCS struct {
	mu     sync.Mutex
	alive  []gcs.Node
	status string // gRPC's; "" is OK
	asked  int
	last   time.Time // when the last question came that got a good answer
}

func (f *fakeGCS) set(status string, alive ...netip.Addr) {
	nodes := make([]gcs.Node, len(alive))
	for i, addr := range alive {
		nodes[i].Addr = addr
	}
	f.setNodes(status, nodes...)
}

func (f *fakeGCS) setNodes(status string, alive ...gcs.Node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status, f.alive = status, alive
}

func (f *fakeGCS) questions() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *fakeGCS) lastAnswer() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

func (f *fakeGCS) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	w.Header().Set("Content-Type", "application/grpc")
	if f.status != "" {
		w.Header().Set("Grpc-Status", f.status)
		return
	}
	f.last = time.Now()
	var msg []byte
	for _, n := range f.alive {
		id, _ := hex.DecodeString(n.ID)
		node := append(protoField(1, string(id)), protoField(2, n.Addr.String())...)
		msg = append(msg, protoField(2, string(node))...)
	}
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg))), msg...))
	w.Header().Set("Grpc-Status", "0")
}

// protoField is a protobuf field that holds text or a message.
func protoField(num int, text string) []byte {
	b := binary.AppendUvarint(nil, uint64(num<<3|2))
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func newFakeGCS(t *testing.T) (*fakeGCS, *gcs.Client) {
	t.Helper()
	fake := &fakeGCS{}
	server := httptest.NewUnstartedServer(fake)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	client := gcs.New(gcs.Config{Addr: netip.MustParseAddrPort(server.Listener.Addr().String())})
	t.Cleanup(client.Close)
	return fake, client
}

func TestAwaitAlive(t *testing.T) {
	fake, client := newFakeGCS(t)
	three := addrs("10.0.0.1", "10.0.0.2", "10.0.0.3")
	// A node that died and came back counts once, and one too many is no harm.
	fake.set("", three[0], three[0], three[1], netip.MustParseAddr("10.0.0.9"))
	done := make(chan error)
	go func() { done <- AwaitAlive(t.Context(), client, Ready{Addrs: three, Every: often}) }()
	eventually(t, "it asks again", func() bool { return fake.questions() > 2 })
	select {
	case err := <-done:
		t.Fatalf("two of three nodes are enough: %v", err)
	default:
	}
	fake.set("", three...)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAwaitAliveGivesUp(t *testing.T) {
	fake, client := newFakeGCS(t)
	ready := Ready{Addrs: addrs("10.0.0.1"), Every: often}
	fake.set("16") // UNAUTHENTICATED
	if err := AwaitAlive(t.Context(), client, ready); !errors.Is(err, gcs.ErrToken) {
		t.Errorf("error %v, want gcs.ErrToken", err)
	}

	fake.set("14") // UNAVAILABLE
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- AwaitAlive(ctx, client, ready) }()
	eventually(t, "it asks again", func() bool { return fake.questions() > 3 })
	cancel()
	if err := <-done; err == nil {
		t.Error("no error")
	}
}

func TestAwaitAliveSaysWhoIsMissing(t *testing.T) {
	fake, client := newFakeGCS(t)
	fake.set("", addrs("10.0.0.2")...)
	err := allAlive(t.Context(), client, addrs("10.0.0.1", "10.0.0.2"), nil)
	var missing *NotAliveError
	if !errors.As(err, &missing) || !slices.Equal(missing.Addrs, addrs("10.0.0.1")) {
		t.Errorf("error %v, want that 10.0.0.1 is missing", err)
	}
}

// TestPredecessorDoesNotCount: a node that was killed is alive for the GCS while
// its container is there again at the same address.
func TestPredecessorDoesNotCount(t *testing.T) {
	self := netip.MustParseAddr("10.0.0.2")
	var (
		head     = gcs.Node{ID: "aa", Addr: netip.MustParseAddr("10.0.0.1")}
		before   = gcs.Node{ID: "b1", Addr: self}
		buried   = gcs.Node{ID: "b2", Addr: self} // it came and went twice
		now      = gcs.Node{ID: "b3", Addr: self}
		fake, cl = newFakeGCS(t)
		ready    = Ready{Addrs: []netip.Addr{self}, Every: often}
	)
	fake.setNodes("14")
	known := make(chan []string)
	go func() {
		old, err := Predecessors(t.Context(), cl, ready)
		if err != nil {
			t.Error(err)
		}
		known <- old
	}()
	eventually(t, "it asks again", func() bool { return fake.questions() > 2 })
	fake.setNodes("", head, before, buried)
	if ready.Old = <-known; !slices.Equal(ready.Old, []string{before.ID, buried.ID}) {
		t.Fatalf("predecessors %q", ready.Old)
	}

	up := make(chan error, 1)
	go func() { up <- AwaitAlive(t.Context(), cl, ready) }()
	asked := fake.questions()
	eventually(t, "it asks again", func() bool { return fake.questions() > asked+2 || len(up) > 0 })
	select {
	case err := <-up:
		t.Fatalf("its predecessor counts: %v", err)
	default:
	}
	fake.setNodes("", head, before, now)
	if err := <-up; err != nil {
		t.Fatal(err)
	}

	over := make(chan error, 1)
	go func() {
		over <- WatchAlive(t.Context(), cl, Watch{Addr: self, Old: ready.Old, Every: often, Silence: time.Hour})
	}()
	for _, alive := range [][]gcs.Node{{head, before, now}, {head, now}} {
		fake.setNodes("", alive...)
		asked = fake.questions()
		eventually(t, "it goes on", func() bool { return fake.questions() > asked+2 || len(over) > 0 })
	}
	select {
	case err := <-over:
		t.Fatalf("the end of its predecessor is its own: %v", err)
	default:
	}
	fake.setNodes("", head, before)
	var gone *NotAliveError
	if err := <-over; !errors.As(err, &gone) {
		t.Errorf("error %v, want that %s is gone", err, self)
	}
}

func TestPredecessorsGivesUp(t *testing.T) {
	fake, client := newFakeGCS(t)
	fake.set("16") // UNAUTHENTICATED
	ready := Ready{Addrs: addrs("10.0.0.1"), Every: often}
	if old, err := Predecessors(t.Context(), client, ready); !errors.Is(err, gcs.ErrToken) || old != nil {
		t.Errorf("%q and error %v, want gcs.ErrToken", old, err)
	}
}

func TestNotAliveError(t *testing.T) {
	var many []netip.Addr
	for addr := netip.MustParseAddr("10.0.0.1"); len(many) < 12; addr = addr.Next() {
		many = append(many, addr)
	}
	if got := (&NotAliveError{many}).Error(); !strings.HasSuffix(got, "10.0.0.8, 4 more") {
		t.Error(got)
	}
}

func TestWatchAlive(t *testing.T) {
	self, other := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	watch := func(ctx context.Context, client *gcs.Client, silence time.Duration) <-chan error {
		done := make(chan error, 1)
		go func() { done <- WatchAlive(ctx, client, Watch{Addr: self, Every: often, Silence: silence}) }()
		return done
	}
	t.Run("node gone", func(t *testing.T) {
		fake, client := newFakeGCS(t)
		fake.set("", self, other)
		done := watch(t.Context(), client, time.Hour)
		eventually(t, "it asks again", func() bool { return fake.questions() > 2 })
		fake.set("", other)
		var gone *NotAliveError
		if err := <-done; !errors.As(err, &gone) || !slices.Equal(gone.Addrs, []netip.Addr{self}) {
			t.Errorf("error %v, want that %s is gone", err, self)
		}
	})
	t.Run("GCS away for a while", func(t *testing.T) {
		fake, client := newFakeGCS(t)
		fake.set("14")
		done := watch(t.Context(), client, time.Hour)
		eventually(t, "it asks again", func() bool { return fake.questions() > 2 })
		fake.set("", self)
		before := fake.questions()
		eventually(t, "it goes on", func() bool { return fake.questions() > before+2 })
		select {
		case err := <-done:
			t.Errorf("it ended: %v", err)
		default:
		}
	})
	t.Run("GCS gone", func(t *testing.T) {
		fake, client := newFakeGCS(t)
		fake.set("", self)
		begin := time.Now()
		done := watch(t.Context(), client, 10*time.Millisecond)
		eventually(t, "it goes on", func() bool { return fake.questions() > 2 && time.Since(begin) > 100*time.Millisecond })
		fake.set("14", self)
		answered := fake.lastAnswer()
		err := <-done
		text, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprint(err), "no answer for "), ":")
		silence, parseErr := time.ParseDuration(text)
		if parseErr != nil {
			t.Fatalf("error %v, want one about silence", err)
		}
		if most := time.Since(answered); silence > most.Round(time.Millisecond) {
			t.Errorf("silent for %s, with an answer %s ago", silence, most)
		}
	})
	t.Run("token refused", func(t *testing.T) {
		fake, client := newFakeGCS(t)
		fake.set("16")
		if err := <-watch(t.Context(), client, time.Hour); !errors.Is(err, gcs.ErrToken) {
			t.Errorf("error %v, want gcs.ErrToken", err)
		}
	})
	t.Run("told to end", func(t *testing.T) {
		fake, client := newFakeGCS(t)
		fake.set("", self)
		ctx, cancel := context.WithCancel(t.Context())
		done := watch(ctx, client, time.Hour)
		eventually(t, "it asks", func() bool { return fake.questions() > 0 })
		cancel()
		if err := <-done; err != nil {
			t.Errorf("error %v, want none", err)
		}
	})
}
