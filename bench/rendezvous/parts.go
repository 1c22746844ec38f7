package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/syminit/syminit/rendezvous"
)

var secret = []byte("a secret of the benchmark, which is on loopback")

// play is what a process of ours does: the head's, or the other participants'.
func play(what string) error {
	words := strings.Fields(what)
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	if words[0] == "head" {
		runtime.GOMAXPROCS(2) // as syminit does
		return head(n, words[2])
	}
	return workers(n, words[2])
}

func head(n int, addr string) error {
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		return err
	}
	h, err := rendezvous.NewHead(rendezvous.HeadConfig{
		Listener: l, Secret: secret, Nodes: n, LostAfter: time.Minute,
		Self: rendezvous.Node{Name: "head", Addr: netip.MustParseAddr("127.0.0.1")},
	})
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	fmt.Println(l.Addr())
	go func() {
		if _, err := h.Gather(context.Background()); err == nil {
			_ = h.Ready(context.Background())
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func workers(n int, addr string) error {
	// Dial's own goroutine and DNS aside, this is what a worker's agent does.
	var others sync.Once
	waiting := make(chan struct{}) // closed when all but the last wait
	join := func(i int) (*rendezvous.Worker, error) {
		var d net.Dialer
		w, err := rendezvous.Join(context.Background(), rendezvous.WorkerConfig{
			Dial: func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp4", addr) },
			Head: addr, Secret: secret,
			Progress: func(p rendezvous.Progress) {
				if p.Stage == rendezvous.Gathering && p.Have == n-1 {
					others.Do(func() { close(waiting) })
				}
			},
			Self: rendezvous.Node{Name: fmt.Sprintf("node-%04d", i), Addr: netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), Rank: rendezvous.NoRank},
		})
		if err != nil {
			return nil, err
		}
		err = w.Ready(context.Background())
		return w, err
	}
	began := time.Now()
	var done sync.WaitGroup
	errs := make(chan error, n)
	all := make([]*rendezvous.Worker, n)
	for i := 1; i < n-1; i++ {
		done.Go(func() {
			w, err := join(i)
			all[i] = w
			errs <- err
		})
	}
	if n > 2 {
		<-waiting
	}
	last := time.Now()
	w, err := join(n - 1)
	all[n-1] = w
	errs <- err
	done.Wait()
	fmt.Printf("%f\n%f\n", last.Sub(began).Seconds()*1e3, time.Since(last).Seconds()*1e3)
	for range n - 1 {
		if err := <-errs; err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// script is the same with TCPStore: what torchrun's rendezvous and
// init_process_group's barrier do, a counter that all add to and wait for.
const script = `
import sys, threading, time
from datetime import timedelta
import torch.distributed as dist
what, n, addr = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if what == "head":
    store = dist.TCPStore("127.0.0.1", 0, n, True, timedelta(seconds=300), wait_for_workers=False)
    print(store.port, flush=True)
    sys.stdin.read()
    sys.exit(0)
errors = []
stores = [None] * n
def join(i):
    try:
        s = stores[i] = dist.TCPStore("127.0.0.1", int(addr), n, False, timedelta(seconds=300), wait_for_workers=False)
        if s.add("ready", 1) == n - 1:
            s.set("go", "1")
        if i < n - 1: waiting.release()
        s.wait(["go"])
    except Exception as e:
        errors.append(e)
waiting = threading.Semaphore(0)
began = time.time()
threads = [threading.Thread(target=join, args=(i,)) for i in range(1, n - 1)]
for t in threads: t.start()
for t in threads: waiting.acquire()
last = time.time()
join(n - 1)
for t in threads: t.join()
print((last - began) * 1e3, (time.time() - last) * 1e3, sep="\n", flush=True)
if errors: raise errors[0]
sys.stdin.read()
`
