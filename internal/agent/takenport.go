package agent

import (
	"errors"
	"fmt"
	"time"

	"github.com/syminit/syminit/rendezvous"
)

// headSilence is how long a node tries to join what has its port, where that never
// answers as a head does. A head is silent while it ends what a run left behind, and
// while it is frozen. A program of another name, as docker-proxy, may lead to a head
// that has yet to start.
const headSilence = time.Minute

// A takenPort is the rendezvous port of a node that would be the head, and that
// something else on its host has.
type takenPort struct {
	number uint16
	holder string // as hostnet.Listener names it
}

// errPortFree ends the joining of a node that can be the head itself now.
var errPortFree = errors.New("the rendezvous port on this host is free again")

func (p takenPort) free() bool { return portFree(p.number) == nil }

func (p takenPort) String() string {
	if p.holder == "" {
		return fmt.Sprintf("port %d is taken on this host", p.number)
	}
	return fmt.Sprintf("port %d is taken by %s on this host", p.number, p.holder)
}

const fixPort = "end what has it (ss -ltnp on the host), or set another SYMINIT_PORT on every node"

// doubt is for as long as nobody answers.
func (p takenPort) doubt() string { return p.String() + ": if that is no head, " + fixPort }

// explain is the end of the joining where nothing has ever answered. Where
// JOIN_TIMEOUT was over first it may have been a head.
func (p takenPort) explain(err *rendezvous.UnreachableError) error {
	code := CodeConfig
	if err.Waited < headSilence {
		code = CodeLost
	}
	return failf(code, "%s, which SYMINIT_HEAD names, and no head has answered there in %s: %s; %s", p, err.Waited.Round(time.Millisecond), err.Reason(), fixPort)
}
