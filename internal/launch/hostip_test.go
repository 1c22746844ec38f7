package launch

import (
	"strings"
	"testing"
)

// TestHostIP: each node has its own address where one line for all hosts has set
// somebody's, and nothing is said of its own in another spelling.
func TestHostIP(t *testing.T) {
	s := &Spec{Rank: 1, Addrs: addrs("10.0.0.1", "fd00::2")}
	for set, want := range map[string]struct{ value, warns string }{
		"fd00::2":         {"fd00::2", ""},
		"FD00:0:0::2":     {"fd00::2", ""},
		"10.0.0.1":        {"fd00::2", "of rank 0"},
		"::ffff:10.0.0.1": {"fd00::2", "of rank 0"},
		"10.0.0.9":        {"10.0.0.9", "is set"},
		"host-b":          {"host-b", "is set"},
		"":                {"", "is set"},
	} {
		env, warnings := s.ownHostIP(environ{vllmHostIP + "=" + set})
		got, _ := env.lookup(vllmHostIP)
		if text := strings.Join(warnings, "\n"); got != want.value || (text == "") != (want.warns == "") || !strings.Contains(text, want.warns) {
			t.Errorf("%q: it is %q, warnings %q", set, got, warnings)
		}
	}
}
