package launch

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/syminit/syminit/internal/launch/gcs"
)

// askTimeout bounds one question to the GCS. An answer takes milliseconds.
const askTimeout = 5 * time.Second

// AwaitAlive asks until the GCS has nodes alive at all of the addresses. When
// ctx ends, or the token is refused (gcs.ErrToken), it returns the last error;
// that may be a *NotAliveError.
func AwaitAlive(ctx context.Context, client *gcs.Client, ready Ready) error {
	return poll(ctx, ready.Every, func(ctx context.Context) error {
		return allAlive(ctx, client, ready.Addrs, ready.Old)
	})
}

// Predecessors asks until the GCS says which nodes it has at this node's own
// address, the first of ready's, and returns their IDs. Asked before this node's
// Ray is started, they are those of a node that was killed: the GCS takes it for
// alive for 17 to 30 s more. Its errors are AwaitAlive's.
func Predecessors(ctx context.Context, client *gcs.Client, ready Ready) (ids []string, err error) {
	err = poll(ctx, ready.Every, func(ctx context.Context) error {
		nodes, err := client.AliveNodes(ctx, ready.Addrs[0])
		for _, n := range nodes {
			ids = append(ids, n.ID)
		}
		return err
	})
	return ids, err
}

// NotAliveError says which nodes Ray hasn't got.
type NotAliveError struct{ Addrs []netip.Addr }

func (e *NotAliveError) Error() string {
	const shown = 8
	list := make([]string, 0, shown+1)
	for _, addr := range e.Addrs[:min(len(e.Addrs), shown)] {
		list = append(list, addr.String())
	}
	if more := len(e.Addrs) - shown; more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return "Ray has no live node at " + strings.Join(list, ", ")
}

// allAlive returns a *NotAliveError unless there is a node alive at each of the
// addresses that isn't among the old ones.
func allAlive(ctx context.Context, client *gcs.Client, addrs []netip.Addr, old []string) error {
	var only netip.Addr // the answer is shorter for one
	if len(addrs) == 1 {
		only = addrs[0]
	}
	nodes, err := client.AliveNodes(ctx, only)
	if err != nil {
		return err
	}
	alive := make(map[netip.Addr]bool, len(nodes))
	for _, n := range nodes {
		if !slices.Contains(old, n.ID) {
			alive[n.Addr] = true
		}
	}
	missing := slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return alive[a] })
	if len(missing) > 0 {
		return &NotAliveError{missing}
	}
	return nil
}

// poll asks until there is no error, at once and then at an interval. It gives
// up on a refused token, which no repetition changes.
func poll(ctx context.Context, every time.Duration, ask func(context.Context) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var last error
	for {
		err := askOnce(ctx, ask)
		if err == nil || errors.Is(err, gcs.ErrToken) {
			return err
		}
		if last == nil || ctx.Err() == nil { // a question cut short says nothing
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
	}
}

func askOnce(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return ask(ctx)
}

// Watch says which node to keep an eye on, and how.
type Watch struct {
	Addr    netip.Addr
	Old     []string      // IDs of nodes that aren't meant: see Predecessors
	Every   time.Duration // between two questions
	Silence time.Duration // without an answer, after which the GCS counts as gone
}

// WatchAlive returns when the GCS no longer has a live node at the address
// (*NotAliveError), has not answered for the given time, or refuses the token;
// nil when ctx ends. `ray start --block` can't be trusted to end when its node
// does: it takes a raylet that leaves with an exit code of 0 for one that was
// told to.
func WatchAlive(ctx context.Context, client *gcs.Client, w Watch) error {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	heard := time.Now()
	for {
		err := askOnce(ctx, func(ctx context.Context) error {
			return allAlive(ctx, client, []netip.Addr{w.Addr}, w.Old)
		})
		var gone *NotAliveError
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			heard = time.Now()
		case errors.As(err, &gone), errors.Is(err, gcs.ErrToken):
			return err
		case time.Since(heard) >= w.Silence:
			return fmt.Errorf("no answer for %s: %w", time.Since(heard).Round(time.Millisecond), err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
