package rendezvous

import "time"

const (
	maxNoted  = 256         // lines about peers that are told at once, and remembered
	notePause = time.Minute // after that one more is told in so long
)

// notebook bounds what peers can make the head tell: the same thing once, not
// too many things at once, and then one now and then, so that a fault that comes
// after a flood is told too.
type notebook struct {
	noted map[string]bool
	spent int // of maxNoted
	since time.Time
}

func newNotebook(now time.Time) *notebook {
	return &notebook{noted: make(map[string]bool), since: now}
}

// news reports whether something is to be told, and takes it for told then.
func (b *notebook) news(what string, now time.Time) bool {
	if back := now.Sub(b.since) / notePause; back > 0 {
		b.spent = max(0, b.spent-int(back))
		b.since = b.since.Add(back * notePause)
	}
	if b.noted[what] || b.spent == maxNoted {
		return false
	}
	if len(b.noted) == maxNoted {
		clear(b.noted)
	}
	b.noted[what] = true
	b.spent++
	return true
}
