package agent

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/hostnet"
)

// elsewhere is an address that no host should have (RFC 5737).
const elsewhere = "203.0.113.1"

// TestHeadAgainstRank: SYMINIT_HEAD means this host, and its rank is not 0. Only
// what can't be is refused.
func TestHeadAgainstRank(t *testing.T) {
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, err := hostnet.Local()
	if err != nil {
		t.Fatal(err)
	}
	told := func(rank, head string, more ...string) []string {
		return append(more, "NNODES=2", "NODE_RANK="+rank, "MASTER_ADDR="+head)
	}
	for name, tt := range map[string]struct {
		environ []string
		refused bool
		doubt   string // what there is to say of it; "": nothing
	}{
		"the scheduler's head is another host": {told("1", elsewhere, "SYMINIT_HEAD="+hostname), true, "means this host"},
		"and so is the user's":                 {told("1", elsewhere, "SYMINIT_HEAD=203.0.113.2"), false, ""},
		"the scheduler's alone":                {told("1", elsewhere), false, "SYMINIT_HEAD=203.0.113.1 is from MASTER_ADDR"},
		"this host has rank 0 too":             {told("1", "127.0.0.1", "SYMINIT_HEAD="+hostname), false, "means this host"},
		"something here leads to the head":     {told("1", elsewhere, "SYMINIT_HEAD=127.0.0.1"), false, "means this host"},
		"the user's own ranks":                 {told("1", elsewhere, "SYMINIT_HEAD="+hostname, "SYMINIT_RANK=1"), false, "means this host"},
		"a scheduler's, elsewhere":             {[]string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR=192.0.2.77"}, false, "SYMINIT_HEAD=192.0.2.77 is from MASTER_ADDR"},
		"a scheduler's, of no host":            {[]string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR=node.invalid"}, false, "SYMINIT_HEAD=node.invalid is from MASTER_ADDR"},
		"the user's, elsewhere":                {[]string{"NNODES=2", "NODE_RANK=1", "MASTER_ADDR=192.0.2.77", "SYMINIT_HEAD=192.0.2.78"}, false, ""},
		"no scheduler":                         {[]string{"SYMINIT_NODES=2", "SYMINIT_RANK=1", "SYMINIT_HEAD=" + hostname}, false, "means this host"},
		"a role":                               {[]string{"SYMINIT_NODES=2", "SYMINIT_ROLE=worker", "SYMINIT_HEAD=" + hostname}, false, "SYMINIT_ROLE=worker"},
		"rank 0":                               {told("0", hostname), false, ""},
		"rank 0, and the head elsewhere":       {told("0", hostname, "SYMINIT_HEAD="+elsewhere), false, "this host has"},
		"no head":                              {[]string{"SYMINIT_NODES=2", "SYMINIT_ROLE=head"}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			environ := append([]string{"SYMINIT_TOKEN=0123456789abcdef"}, tt.environ...)
			cfg, err := config.Load(environ)
			if err != nil {
				t.Fatal(err)
			}
			facts, err := Place(cfg, environ, nil)
			if err == nil {
				err = cfg.Resolve()
			}
			if err != nil {
				t.Fatal(err)
			}
			n := &node{cfg: cfg, facts: facts, name: hostname}
			err = n.checkHead(t.Context(), host)
			if tt.refused != (err != nil) {
				t.Fatalf("refused: %v", err)
			}
			if f, ok := errors.AsType[*failure](err); tt.refused && (!ok || f.code != CodeConfig || !strings.Contains(f.Error(), "SYMINIT_HEAD="+hostname) || !strings.Contains(f.Error(), "SYMINIT_RANK is 1")) {
				t.Errorf("%v", err)
			}
			doubt := n.doubtHead(t.Context(), host, identity{head: cfg.Role == config.RoleHead, why: "SYMINIT_ROLE=" + cfg.Role})
			if (doubt == "") != (tt.doubt == "") || !strings.Contains(doubt, tt.doubt) {
				t.Errorf("doubt: %q, want %q", doubt, tt.doubt)
			}
		})
	}
}
