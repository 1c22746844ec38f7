package signals

import (
	"fmt"
	"strings"
	"syscall"
)

// Rewrites says which signal is passed on in place of another; 0 drops it.
type Rewrites map[syscall.Signal]syscall.Signal

// ParseRewrites reads a comma list of FROM:TO, as TERM:INT,HUP:0. Signals are
// written as for Parse, a TO of 0 drops the signal, white space around an item
// or a signal is ignored, and an empty string rewrites nothing.
func ParseRewrites(s string) (Rewrites, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	r := Rewrites{}
	for item := range strings.SplitSeq(s, ",") {
		from, to, err := parseRewrite(item)
		if err != nil {
			return nil, err
		}
		if _, twice := r[from]; twice {
			return nil, fmt.Errorf("%s is rewritten twice: leave one of the two", Name(from))
		}
		r[from] = to
	}
	return r, nil
}

func parseRewrite(item string) (from, to syscall.Signal, err error) {
	left, right, ok := strings.Cut(item, ":")
	if !ok {
		return 0, 0, fmt.Errorf("%.40q is no rewrite: want FROM:TO as TERM:INT, or FROM:0 to drop a signal", item)
	}
	if from, err = Parse(strings.TrimSpace(left)); err != nil {
		return 0, 0, err
	}
	if !forwardable(from) {
		return 0, 0, fmt.Errorf("%s is never forwarded, so it can't be rewritten: remove %.40q", Name(from), item)
	}
	if right = strings.TrimSpace(right); right == "0" {
		return from, 0, nil
	}
	to, err = Parse(right)
	return from, to, err
}

// Apply returns the signal to pass on when s arrives, and false when there is
// none. A nil Rewrites passes every signal on as it is.
func (r Rewrites) Apply(s syscall.Signal) (syscall.Signal, bool) {
	to, ok := r[s]
	if !ok {
		return s, true
	}
	return to, to != 0
}
