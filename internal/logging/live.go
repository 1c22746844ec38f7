package logging

import (
	"io"
	"sync"
)

// LiveLine is a writer for a terminal that keeps one changing line below what
// is written. Everything written must be whole lines.
type LiveLine struct {
	out  io.Writer
	mu   sync.Mutex
	text string
}

// NewLiveLine returns a LiveLine on a terminal; it shows nothing until Set.
func NewLiveLine(terminal io.Writer) *LiveLine { return &LiveLine{out: terminal} }

// eraseLine is ECMA-48: carriage return, then erase to the end of the line.
const eraseLine = "\r\x1b[K"

// Set replaces the live line; an empty text removes it.
func (l *LiveLine) Set(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if text == l.text {
		return
	}
	l.text = text
	_, _ = io.WriteString(l.out, eraseLine+text)
}

// Write writes p above the live line.
func (l *LiveLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == "" {
		return l.out.Write(p)
	}
	if _, err := io.WriteString(l.out, eraseLine+string(p)+l.text); err != nil {
		return 0, err
	}
	return len(p), nil
}
