package rendezvous

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNextStep(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	call := func(number syscall.Errno) error { return dial(os.NewSyscallError("connect", number)) }
	for name, tt := range map[string]struct {
		last error
		want string
	}{
		"refused":             {call(syscall.ECONNREFUSED), "start the head"},
		"no route":            {call(syscall.EHOSTUNREACH), "firewall"},
		"no network":          {call(syscall.ENETUNREACH), "firewall"},
		"no answer":           {dial(os.ErrDeadlineExceeded), "firewall"},
		"no time":             {context.DeadlineExceeded, "firewall"},
		"the other kind":      {call(syscall.EADDRNOTAVAIL), "IPv4 or IPv6"},
		"a kind unknown here": {call(syscall.EAFNOSUPPORT), "IPv4 or IPv6"},
		"no such name":        {dial(&net.DNSError{Name: "node", Err: "no such host"}), "check SYMINIT_HEAD"},
		"in several ways":     {&TriedError{Tried: "tried DNS", Err: call(syscall.ECONNREFUSED)}, "start the head"},
		"told to come again":  {&refusal{Reason: "the run has ended", Fix: "wait for the next"}, "wait for the next"},
		"anything else":       {errors.New("odd"), "read the head's log"},
		"nothing tried":       {nil, "read the head's log"},
	} {
		err := &UnreachableError{Head: "node:6378", Waited: 90 * time.Second, Last: tt.last}
		if text := err.Error(); !strings.Contains(text, tt.want) || !strings.HasPrefix(text, "no head at node:6378 in 1m30s: ") {
			t.Errorf("%s: %q, want %q in it", name, text, tt.want)
		}
	}
}
