package logging

import (
	"io"
	"sync"
)

// LiveLine is a writer for a terminal that keeps one changing line below what
// is written. Everything written must be whole lines.
type LiveLine struct {
	out   io.Writer
	width func() int
	mu    sync.Mutex
	text  string
}

// NewLiveLine returns a LiveLine on a terminal; it shows nothing until Set. width
// tells the terminal's columns as they are now, 0 where they aren't known.
func NewLiveLine(terminal io.Writer, width func() int) *LiveLine {
	return &LiveLine{out: terminal, width: width}
}

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
	_, _ = io.WriteString(l.out, eraseLine+l.line())
}

// Write writes p above the live line.
func (l *LiveLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == "" {
		return l.out.Write(p)
	}
	if _, err := io.WriteString(l.out, eraseLine+string(p)+l.line()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// line is as much of the text as fits: what doesn't would begin another line,
// which nothing erases. It leaves the last column free, as some terminals go on to
// the next line when that is written.
func (l *LiveLine) line() string {
	width := l.width()
	if width <= 0 {
		return l.text
	}
	left := width - 1
	for i, r := range l.text {
		if left -= columns(r); left < 0 {
			return l.text[:i]
		}
	}
	return l.text
}

// columns is how many columns a character takes at most. Wide ones are none of
// those before the Hangul Jamo (Unicode, EastAsianWidth.txt).
func columns(r rune) int {
	if r < 0x1100 {
		return 1
	}
	return 2
}
