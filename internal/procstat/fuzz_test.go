package procstat

import (
	"fmt"
	"testing"
)

// FuzzParse: whatever a process calls itself, its other fields are read from
// where the kernel has them; any other text is an error, or has a state.
func FuzzParse(f *testing.F) {
	f.Add("sh", 42, byte('S'), 7, 43, uint64(987654321012), []byte("42 (sh) S 7 41 43 0 -1"))
	f.Add(") S 1 (", 1, byte('Z'), 0, 0, uint64(0), []byte("42 )sh( S"))
	f.Add("a b\n(((", 1<<22, byte('X'), -1, -1, ^uint64(0), []byte("x (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n"))
	f.Fuzz(func(t *testing.T, name string, pid int, state byte, parent, session int, started uint64, line []byte) {
		if 'A' <= state && state <= 'z' && state != ')' {
			want := Stat{PID: pid, Name: name, State: state, Parent: parent, Session: session, Started: started}
			text := fmt.Appendf(nil, "%d (%s) %c %d 41 %d 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %d 1 1\n", pid, name, state, parent, session, started)
			if s, err := parse(text); err != nil || s != want {
				t.Errorf("%q was read as %+v, %v", text, s, err)
			}
		}
		if s, err := parse(line); err == nil && s.State == 0 {
			t.Errorf("%q was read as %+v", line, s)
		}
	})
}
