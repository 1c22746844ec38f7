package pid1

import (
	"strings"
	"testing"
)

// What a run leaves in a /dev/shm that outlives the container is named, and what
// was there before, or somebody else's, is not. In the container's own it is
// nobody's business.
func TestLeftInSharedMemory(t *testing.T) {
	needNamespaces(t)
	w := world{namespace: true}
	for source, want := range map[string]bool{"tmpfs": true, "shm": false} {
		prelude := "mount -t tmpfs " + source + ` /dev/shm && cd /dev/shm && mkdir folder && echo before >before &&
			until touch tick && [ tick -nt before ]; do :; done && rm tick && cd / && exec "$@"`
		s := start(t, w.shell(t, prelude, "run", "echo left >/dev/shm/psm_left; echo gone >/dev/shm/gone; rm /dev/shm/gone; exit 3"))
		s.end(t, 3)
		log := s.log.String()
		if named := strings.Contains(log, `"count":1,"bytes":4096,"files":["psm_left"]`); named != want || !want && log != "" {
			t.Errorf("%s: the log has\n%s", source, log)
		}
	}
}
