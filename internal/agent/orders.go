package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/internal/launch"
)

// longestEntry is the most that Linux takes in one string, the byte behind it
// included: MAX_ARG_STRLEN, execve(2).
const longestEntry = 128 << 10

// orders is what the head hands out with the roster.
type orders struct {
	RayPort uint16            `json:"ray_port"`
	Env     map[string]string `json:"env,omitempty"` // the head's variables that PROPAGATE names
}

func (n *node) orders() json.RawMessage {
	o := orders{RayPort: n.cfg.RayPort}
	if n.cfg.Nodes > 1 {
		o.Env = launch.Propagated(withoutManager(n.environ), n.cfg.Propagate)
		n.dropNotUTF8(o.Env)
		if n.cfg.Insecure {
			n.dropSecrets(o.Env)
		}
	}
	payload, err := json.Marshal(o)
	if err != nil {
		n.log.Error("orders for the workers", zap.Error(err)) // strings and a number: cannot happen
	}
	return payload
}

// dropNotUTF8 removes variables that JSON doesn't carry as they are: another value than
// the head's is worse than none.
func (n *node) dropNotUTF8(env map[string]string) {
	for name, value := range env {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			delete(env, name)
			n.log.Warn(fmt.Sprintf("%.64q is not passed on to the workers, as it isn't UTF-8; set it on each node", name))
		}
	}
}

// readOrders takes only variables that can stand in an environment, each under its
// own name: one with a = in its name would be another, for who reads the last of a
// name the node's own.
func readOrders(payload json.RawMessage) (orders, error) {
	var o orders
	if err := json.Unmarshal(payload, &o); err != nil {
		return orders{}, fmt.Errorf("read the head's orders: %w", err)
	}
	if o.RayPort == 0 {
		return orders{}, errors.New("the head's orders lack Ray's port; look whether the head is this release of syminit")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Env)) {
		if why := unfit(name, o.Env[name]); why != "" {
			return orders{}, fmt.Errorf("the head's orders have a variable %.64q, which %s; leave it out of SYMINIT_PROPAGATE on the head", name, why)
		}
	}
	return o, nil
}

// unfit is why a node can't take a variable over; "" if it can. It never tells the
// value, which may be a secret.
func unfit(name, value string) string {
	switch {
	case name == "":
		return "has no name"
	case strings.ContainsAny(name, "=\x00"):
		return "is no name: it has a = or a NUL in it"
	case strings.HasPrefix(name, config.Prefix), name == notifySocket:
		return "is each node's own"
	case strings.ContainsRune(value, 0):
		return "has a NUL in its value"
	case len(name)+len("=")+len(value)+len("\x00") > longestEntry:
		return fmt.Sprintf("is longer than the %d bytes that Linux passes to a program in one string", longestEntry)
	}
	return ""
}
