package status

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzState: a state is read as it was written, and one that is half written is
// none. Whatever else a file holds, what is read from it can be shown.
func FuzzState(f *testing.F) {
	now := time.Unix(1_700_000_000, 0).UTC()
	f.Add("node-1", "running", "", "http://127.0.0.1:8000/health", 2, 1, uint(40), []byte(`{"version":"1","node":"a","rank":-1,"roster":[{"rank":0,"name":"a"}],"nodes":3}`))
	f.Add("n", "gathering", "1/2 nodes are here", "", 0, -1, uint(0), []byte(`{"roster":null,"health":{},"since":"x"}`))
	f.Add("\x1b[31m", "", "a\nb \"}", "}", -1, 5999, uint(1), []byte(`null`))
	f.Fuzz(func(t *testing.T, name, at, waiting, url string, nodes, rank int, cut uint, file []byte) {
		valid := func(text string) string { return strings.ToValidUTF8(text, "?") }
		s := State{Node: valid(name), State: valid(at), Since: now, Waiting: valid(waiting), Nodes: nodes, Rank: rank, Roster: []Node{{Rank: rank, Name: valid(name)}}}
		if url != "" {
			s.Health = &Health{URL: valid(url)}
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var whole, half, other State
		if !whole.parse(text) || !reflect.DeepEqual(whole, s) {
			t.Errorf("%s was read as %+v", text, whole)
		}
		if part := text[:cut%uint(len(text))]; half.parse(part) {
			t.Errorf("%s was read as %+v", part, half)
		}
		if other.parse(file) {
			if lines := other.Lines(now, other.notRunning()); !strings.HasPrefix(lines, "state ") {
				t.Errorf("%q is shown as %q", file, lines)
			}
			metrics(other, false)
		}
	})
}
