package agent

import (
	"context"
	"net"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/rendezvous"
)

// TestHeadWithoutSupervisor: the workers of a head that is being killed lose it,
// and try again, in a run and before one. They are not told that all is over.
func TestHeadWithoutSupervisor(t *testing.T) {
	for name, nodes := range map[string]int{"gathering": 3, "agreed": 2} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			here := make(chan struct{}, 1)
			head, err := rendezvous.NewHead(rendezvous.HeadConfig{
				Listener: l, Self: rendezvous.Node{Name: "head"}, Nodes: nodes, LostAfter: time.Minute,
				Progress: func(p rendezvous.Progress) {
					if p.Have == 2 || p.Stage != rendezvous.Gathering {
						select {
						case here <- struct{}{}:
						default:
						}
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tries := make(chan struct{}, 100)
			joined := make(chan *rendezvous.Worker, 1)
			ended := make(chan error, 1)
			go func() {
				w, err := rendezvous.Join(ctx, rendezvous.WorkerConfig{
					Self: rendezvous.Node{Name: "worker", Rank: rendezvous.NoRank},
					Dial: func(ctx context.Context) (net.Conn, error) {
						tries <- struct{}{}
						return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
					},
				})
				if err != nil {
					ended <- err
					return
				}
				joined <- w
			}()
			<-here
			<-tries
			var agreed *rendezvous.Worker
			if nodes == 2 { // the head says so while the roster is on its way
				select {
				case agreed = <-joined:
				case err := <-ended:
					t.Fatal(err)
				}
			}
			m := headMember{Head: head, log: zap.NewNop(), orphan: func() bool { return true }}
			m.Settle(t.Context(), rendezvous.Outcome{Code: CodeLost}, func(o rendezvous.Outcome) rendezvous.Outcome { return o })
			if agreed != nil {
				if <-agreed.Outcome(); !agreed.HeadLost() {
					t.Error("it was told an outcome")
				}
				_ = agreed.Close()
				return
			}
			select {
			case <-tries: // it tries again
			case err := <-ended:
				t.Errorf("it gave up: %v", err)
			}
		})
	}
}
