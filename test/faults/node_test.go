package faults

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/rendezvous"
)

const (
	nodeEnv = "SYMINIT_TEST_NODE" // NAME LOST_AFTER makes this binary a node
	port    = ":6378"
	headIP  = "10.77.0.1"
	// joinTime is JOIN_TIMEOUT and START_TIMEOUT.
	joinTime = 15 * time.Second
)

// TestMain is also what the programs in containers begin with, by their names,
// and the nodes that have none.
func TestMain(m *testing.M) {
	if play, ok := programs()[filepath.Base(os.Args[0])]; ok {
		if err := play(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	name, silence, found := strings.Cut(os.Getenv(nodeEnv), " ")
	if !found {
		os.Exit(m.Run())
	}
	lostAfter, err := time.ParseDuration(silence)
	if err != nil {
		fmt.Println("end 70", err)
		os.Exit(1)
	}
	n := node{name: name, lostAfter: lostAfter, told: make(map[string]chan struct{})}
	for _, word := range []string{"ready", "job"} {
		n.told[word] = make(chan struct{})
	}
	go n.listen()
	play := n.worker
	if name == "head" {
		play = n.head
	}
	o := play()
	fmt.Printf("end %d %s\n", o.Code, o.Cause)
}

// node is a node's program: it does one step when it is told, by a line on its
// standard input, and says by one on its output what it has come to.
type node struct {
	name      string
	lostAfter time.Duration
	told      map[string]chan struct{}
}

func (n *node) listen() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		close(n.told[lines.Text()])
	}
}

func lost(format string, args ...any) rendezvous.Outcome {
	return rendezvous.Outcome{Code: 69, Cause: fmt.Sprintf(format, args...)}
}

func (n *node) head() rendezvous.Outcome {
	l, err := net.Listen("tcp", headIP+port)
	if err != nil {
		return lost("listen: %v", err)
	}
	told := make(chan int, 100)
	h, err := rendezvous.NewHead(rendezvous.HeadConfig{
		Listener: l, Secret: []byte(nodeEnv), Nodes: 3, LostAfter: n.lostAfter, Self: rendezvous.Node{Name: "head"},
		Progress: func(p rendezvous.Progress) {
			if p.Stage == rendezvous.Gathering {
				told <- p.Have
			}
		},
	})
	if err != nil {
		return lost("head: %v", err)
	}
	defer func() { _ = h.Close() }()
	go func() {
		for have := range told {
			fmt.Println("have", have)
		}
	}()
	o := n.lead(h)
	fmt.Println("over")
	ctx, cancel := context.WithTimeout(context.Background(), n.lostAfter)
	defer cancel()
	fmt.Println("silent", len(h.Finish(ctx, o)))
	return o
}

func (n *node) lead(h *rendezvous.Head) rendezvous.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	if _, err := h.Gather(ctx); err != nil {
		return lost("%v", err)
	}
	fmt.Println("agreed")
	<-n.told["ready"]
	ctx, cancel = context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	if err := h.Ready(ctx); err != nil {
		return lost("%v", err)
	}
	fmt.Println("going")
	var job <-chan time.Time
	done := n.told["job"]
	for {
		select {
		case <-done:
			// A fault in a running job is noticed, or survived, before the job ends.
			done, job = nil, time.After(n.lostAfter+time.Second)
			if len(os.Getenv("SYMINIT_TEST_AT_ONCE")) > 0 {
				return rendezvous.Outcome{Code: 3, Cause: "the job ended"}
			}
		case <-job:
			return rendezvous.Outcome{Code: 3, Cause: "the job ended"}
		case e := <-h.Events():
			if e, ok := e.(rendezvous.Lost); ok {
				return lost("lost %s: %s", e.Node.Name, e.Reason)
			}
		}
	}
}

func (n *node) worker() rendezvous.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	var dialer net.Dialer
	w, err := rendezvous.Join(ctx, rendezvous.WorkerConfig{
		Dial: func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", headIP+port) },
		Head: headIP + port, Secret: []byte(nodeEnv), Self: rendezvous.Node{Name: n.name, Rank: rendezvous.NoRank},
	})
	if err != nil {
		return lost("%v", err)
	}
	defer func() { _ = w.Close() }()
	fmt.Println("agreed")
	select {
	case <-n.told["ready"]:
		if err := w.Ready(context.Background()); err == nil {
			fmt.Println("going")
		}
	case o := <-w.Outcome():
		return o
	}
	return <-w.Outcome()
}
