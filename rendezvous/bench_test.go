package rendezvous

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"testing"
	"time"
)

// BenchmarkLastJoin measures, over loopback TLS with all nodes in this one
// process, the time from the last node's dial to the roster on every node, and
// from there through the barrier and the outcome to the last acknowledgement.
func BenchmarkLastJoin(b *testing.B) {
	for _, nodes := range []int{2, 64, 1000, 4096} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			var gather, barrier, finish time.Duration
			for range b.N {
				b.StopTimer()
				s := tcp(b)
				before := memory()
				cfg := s.head(nodes)
				cfg.LostAfter = time.Minute // what this machine is busy with must not count
				h := startHead(b, cfg)
				workers := s.many(nodes - 1)
				var joins []<-chan joined
				for _, w := range workers[1:] {
					joins = append(joins, start(b.Context(), w))
				}
				awaitMembers(b, h, nodes-2)
				each := (memory() - before) / int64(nodes)

				b.StartTimer()
				began := time.Now()
				joins = append(joins, start(b.Context(), workers[0]))
				r := &run{head: h}
				for _, c := range joins {
					j := <-c
					if j.err != nil {
						b.Fatal(j.err)
					}
					r.workers = append(r.workers, j.Worker)
				}
				gather += time.Since(began)
				b.StopTimer()

				if _, err := h.Gather(b.Context()); err != nil {
					b.Fatal(err)
				}
				began = time.Now()
				r.ready(b)
				barrier += time.Since(began)
				began = time.Now()
				if silent := h.Finish(context.Background(), theEnd); silent != nil {
					b.Fatalf("did not acknowledge: %v", silent)
				}
				finish += time.Since(began)
				r.close(b)
				b.ReportMetric(float64(each), "B/node") // both ends
				b.StartTimer()
			}
			n := time.Duration(b.N)
			b.ReportMetric(float64((gather/n).Microseconds())/1000, "ms/roster")
			b.ReportMetric(float64((barrier/n).Microseconds())/1000, "ms/barrier")
			b.ReportMetric(float64((finish/n).Microseconds())/1000, "ms/outcome")
		})
	}
}

func awaitMembers(t testing.TB, h *Head, n int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for have := -1; have < n; <-tick.C {
		h.mu.Lock()
		have = len(h.members)
		h.mu.Unlock()
	}
}

// BenchmarkBeat measures one beat over loopback TLS, from the write to what the
// other side makes of it, and beside it as many bytes over bare TLS. A node costs
// its head this much each way in every quarter of LostAfter, if it is left alone
// with it.
func BenchmarkBeat(b *testing.B) {
	beat := bare(kindBeat)
	b.Run("over=session", func(b *testing.B) {
		benchBeat(b, func(far *tls.Conn, heard chan<- struct{}) {
			_ = newSession(far, time.Minute).serve(func(message) error {
				heard <- struct{}{}
				return nil
			})
		}, func(near *tls.Conn) func() error {
			s := newSession(near, time.Minute)
			return func() error { return s.put(beat, time.Minute) }
		})
	})
	b.Run("over=TLS", func(b *testing.B) {
		benchBeat(b, func(far *tls.Conn, heard chan<- struct{}) {
			for buf := make([]byte, len(beat)); ; heard <- struct{}{} {
				if _, err := io.ReadFull(far, buf); err != nil {
					return
				}
			}
		}, func(near *tls.Conn) func() error {
			return func() error {
				_, err := near.Write(beat)
				return err
			}
		})
	})
}

func benchBeat(b *testing.B, serve func(far *tls.Conn, heard chan<- struct{}), writer func(near *tls.Conn) (put func() error)) {
	s := tcp(b)
	cfg, err := serverTLS()
	if err != nil {
		b.Fatal(err)
	}
	heard := make(chan struct{})
	go func() {
		if conn, err := s.listener.Accept(); err == nil {
			serve(tls.Server(conn, cfg), heard)
		}
	}()
	conn, err := s.dial(b.Context(), netip.Addr{})
	if err != nil {
		b.Fatal(err)
	}
	put := writer(tls.Client(conn, clientTLS()))
	for b.Loop() {
		if err := put(); err != nil {
			b.Fatal(err)
		}
		<-heard
	}
	_ = conn.Close()
	_ = s.listener.Close()
}
