package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/syminit/syminit/internal/config"
	"github.com/syminit/syminit/rendezvous"
)

// matches is what has to be the same on every node.
func (n *node) matches() []rendezvous.Match {
	const sameImage = "use the same image on every node"
	return []rendezvous.Match{
		{Name: "syminit's version", Value: n.version, Fix: sameImage},
		{Name: "SYMINIT_RUNTIME", Value: n.runtime, Fix: "set it to the same on every node"},
		{Name: "SYMINIT_NODES", Value: strconv.Itoa(n.cfg.Nodes), Fix: "set it to the same on every node"},
		{Name: "the command", Value: n.commandID(), Fix: "give every node the same command"},
		{Name: "Ray's version", Value: n.image.Ray, Fix: sameImage},
		{Name: "vLLM's version", Value: n.image.VLLM, Fix: sameImage},
		{Name: "Python's version", Value: n.image.Python, Fix: sameImage},
	}
}

// maxShownCommand is how many bytes of a command are shown to people.
const maxShownCommand = 200

// commandID tells commands apart. The hash makes two that look the same, masked
// or cut, different; it takes the run's secret to try guesses on it.
func (n *node) commandID() string {
	hash := hmac.New(sha256.New, n.cfg.Token.Reveal())
	hash.Write([]byte(strings.Join(n.args, "\x00")))
	return fmt.Sprintf("%s [%x]", describeCommand(n.args), hash.Sum(nil)[:4])
}

// describeCommand shows a command to people, with its secrets masked.
func describeCommand(args []string) string {
	text := strings.ToValidUTF8(strings.Join(config.MaskSecrets(args), " "), "?")
	if len(text) > maxShownCommand {
		text = strings.ToValidUTF8(text[:maxShownCommand], "") + " ..."
	}
	return text
}

// dropSecrets removes variables that look like secrets from env: without a
// secret of the run's own, whoever reaches the port is told them.
func (n *node) dropSecrets(env map[string]string) {
	for name := range env {
		if config.SecretName(name) {
			delete(env, name)
			n.log.Warn(name + " is not passed on to the workers while SYMINIT_INSECURE=true; set it on each node")
		}
	}
}
