package signals_test

import (
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/syminit/syminit/signals"
)

func TestParseRewrites(t *testing.T) {
	for _, c := range []struct {
		in   string
		want signals.Rewrites
		err  string // a part of the error
	}{
		{in: ""},
		{in: "  "},
		{in: "TERM:INT", want: signals.Rewrites{15: 2}},
		{in: "TERM:INT,HUP:0", want: signals.Rewrites{15: 2, 1: 0}},
		{in: " term : SIGINT , 1 : 0 ", want: signals.Rewrites{15: 2, 1: 0}},
		{in: "RTMIN+3:RTMAX-1", want: signals.Rewrites{37: 63}},
		{in: "INT:KILL", want: signals.Rewrites{2: 9}},
		{in: "INT:TERM,TERM:INT", want: signals.Rewrites{2: 15, 15: 2}},
		{in: "TERM:TERM", want: signals.Rewrites{15: 15}},
		{in: "TERM", err: "FROM:TO"},
		{in: "TERM=INT", err: "FROM:TO"},
		{in: "TERM:INT,", err: "FROM:TO"},
		{in: ",TERM:INT", err: "FROM:TO"},
		{in: "TERM:", err: `"" is no signal`},
		{in: ":TERM", err: `"" is no signal`},
		{in: "0:TERM", err: `"0" is no signal`},
		{in: "TERM:INT:HUP", err: `"INT:HUP" is no signal`},
		{in: "TERM:QUITE", err: `"QUITE" is no signal`},
		{in: "KILL:TERM", err: "SIGKILL is never forwarded"},
		{in: "CHLD:0", err: "SIGCHLD is never forwarded"},
		{in: "TERM:INT,15:HUP", err: "SIGTERM is rewritten twice"},
	} {
		got, err := signals.ParseRewrites(c.in)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("ParseRewrites(%q): error %v, want one with %q", c.in, err, c.err)
		case c.err == "" && (err != nil || !maps.Equal(got, c.want)):
			t.Errorf("ParseRewrites(%q) = %v, %v; want %v", c.in, got, err, c.want)
		}
	}
}

func TestApply(t *testing.T) {
	r := signals.Rewrites{15: 2, 1: 0}
	for _, c := range []struct {
		rewrites signals.Rewrites
		in, want syscall.Signal
		ok       bool
	}{
		{r, 15, 2, true},
		{r, 2, 2, true}, // not rewritten again
		{r, 1, 0, false},
		{r, 10, 10, true},
		{nil, 15, 15, true},
	} {
		if got, ok := c.rewrites.Apply(c.in); got != c.want || ok != c.ok {
			t.Errorf("%v.Apply(%d) = %d, %v; want %d, %v", c.rewrites, c.in, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseRewrites(f *testing.F) {
	for _, s := range []string{"TERM:INT,HUP:0", "RTMIN+3:RTMAX-1", " 15 : 2 ", "TERM:", "KILL:TERM", ",", "a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := signals.ParseRewrites(s)
		if err != nil {
			if len(r) != 0 {
				t.Errorf("%q: rewrites %v beside the error %v", s, r, err)
			}
			return
		}
		var again []string
		for from, to := range r {
			if got, ok := r.Apply(from); got != to || ok != (to != 0) {
				t.Errorf("%q: Apply(%d) = %d, %v; want %d", s, from, got, ok, to)
			}
			right := "0"
			if to != 0 {
				right = signals.Name(to)
			}
			again = append(again, signals.Name(from)+":"+right)
		}
		same, err := signals.ParseRewrites(strings.Join(again, ","))
		if err != nil || !maps.Equal(r, same) {
			t.Errorf("%q is %v, written out again %v: %v, %v", s, r, again, same, err)
		}
	})
}
