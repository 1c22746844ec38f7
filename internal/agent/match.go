package agent

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/syminit/syminit/rendezvous"
)

// matches is what has to be the same on every node.
func (n *node) matches() []rendezvous.Match {
	const sameImage = "use the same image on every node"
	return []rendezvous.Match{
		{Name: "syminit's version", Value: n.version, Fix: sameImage},
		{Name: "SYMINIT_RUNTIME", Value: n.runtime, Fix: "set it to the same on every node"},
		{Name: "SYMINIT_NODES", Value: strconv.Itoa(n.cfg.Nodes), Fix: "set it to the same on every node"},
		{Name: "the command", Value: describeCommand(n.args), Fix: "give every node the same command"},
		{Name: "Ray's version", Value: n.image.Ray, Fix: sameImage},
		{Name: "vLLM's version", Value: n.image.VLLM, Fix: sameImage},
		{Name: "Python's version", Value: n.image.Python, Fix: sameImage},
	}
}

// maxShownCommand is how many bytes of a command are shown to people.
const maxShownCommand = 200

// describeCommand shows a command with its secrets masked. The hash makes two
// commands that look the same, masked or cut, different.
func describeCommand(args []string) string {
	sum := sha256.Sum256([]byte(strings.Join(args, "\x00")))
	text := strings.ToValidUTF8(strings.Join(maskSecrets(args), " "), "?")
	if len(text) > maxShownCommand {
		text = strings.ToValidUTF8(text[:maxShownCommand], "") + " ..."
	}
	return fmt.Sprintf("%s [%x]", text, sum[:4])
}

var secretOption = regexp.MustCompile(`(?i)^-.*[-_](key|token|secret|password)$`)

// maskSecrets replaces what follows an option like --api-key.
func maskSecrets(args []string) []string {
	masked := slices.Clone(args)
	for i, arg := range masked {
		option, _, inline := strings.Cut(arg, "=")
		switch {
		case !secretOption.MatchString(option):
		case inline:
			masked[i] = option + "=***"
		case i+1 < len(args):
			masked[i+1] = "***"
		}
	}
	return masked
}

var secretName = regexp.MustCompile(`(?i)(^|_)(key|token|secret|password|credentials?)(_|$)`)

// dropSecrets removes variables that look like secrets from env: without a
// secret of the run's own, whoever reaches the port is told them.
func (n *node) dropSecrets(env map[string]string) {
	for name := range env {
		if secretName.MatchString(name) {
			delete(env, name)
			n.log.Warn(name + " is not passed on to the workers while SYMINIT_INSECURE=true; set it on each node")
		}
	}
}
