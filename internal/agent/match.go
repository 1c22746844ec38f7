package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

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
	text := strings.ToValidUTF8(strings.Join(maskSecrets(args), " "), "?")
	if len(text) > maxShownCommand {
		text = strings.ToValidUTF8(text[:maxShownCommand], "") + " ..."
	}
	return text
}

const mask = "***"

// maskSecrets replaces what looks like a secret in a command: what follows an
// option like --api-key, up to the next option, the value of a variable like
// HF_TOKEN=, of an entry of JSON or of a URL's query by such a name, and a URL's
// user. A word with blanks is taken for a command line itself, as after sh -c.
func maskSecrets(args []string) []string {
	masked := make([]string, len(args))
	for i, arg := range args {
		masked[i] = maskWithin(arg)
	}
	return maskWords(masked)
}

// maskWithin masks what can be told without the words around it.
func maskWithin(arg string) string {
	if strings.Contains(arg, "://") {
		arg = secretUser().ReplaceAllString(arg, "${1}"+mask+"@")
		arg = secretQuery().ReplaceAllString(arg, "${1}"+mask)
	}
	if strings.ContainsAny(arg, `"'`) {
		arg = secretEntry().ReplaceAllString(arg, "${1}"+mask)
	}
	return arg
}

func maskWords(args []string) []string {
	const blanks = " \t\n"
	masked := make([]string, len(args))
	secret := false
	quote := "" // at which the value of a variable ends
	for i, arg := range args {
		name, value, inline := strings.Cut(arg, "=")
		option := strings.HasPrefix(arg, "-")
		switch {
		case quote != "":
			masked[i] = mask
			if strings.Contains(arg, quote) {
				quote = ""
			}
			continue
		case secret && !option:
			masked[i] = mask
			continue
		case inline && !strings.ContainsAny(name, blanks) && (isSecretOption(name) || !option && secretName(name)):
			masked[i] = name + "=" + mask
			quote = leftOpen(value)
		case strings.ContainsAny(arg, blanks):
			masked[i] = strings.Join(maskWords(strings.Fields(arg)), " ")
		case inline && strings.Contains(value, "="): // --env=HF_TOKEN=…
			masked[i] = name + "=" + maskWords([]string{value})[0]
		default:
			masked[i] = arg
		}
		secret = isSecretOption(arg) || secretWord(arg)
	}
	return masked
}

// leftOpen returns the quote with which a value begins, where it doesn't end.
func leftOpen(value string) string {
	for _, quote := range []string{`"`, "'"} {
		if rest, ok := strings.CutPrefix(value, quote); ok && !strings.Contains(rest, quote) {
			return quote
		}
	}
	return ""
}

var (
	secretOption = pattern(`(?i)^-.*(key|token|secret|password)\+?$`)
	// vLLM takes beginnings of --api-key and --hf-token.
	secretBeginning = pattern(`^--(api[-_]k|hf[-_]t)`)
	secretWord      = pattern(`(?i)^["']?(authorization:|bearer)$`)
	secretName      = pattern(`(?i)(^|_)(key|token|secret|password|credentials?)(_|$)|apikey|passw(or)?d$`)

	secretUser  = lazily(`(://)[^/@\s"'?#]+@`)
	secretQuery = lazily(`(?i)([?&][^=&?\s"']*(?:key|token|secret|password|signature)=)[^&#\s"']+`)
	// A name in quotes that ends so, and a text, a list or a plain word; in a
	// shell's double quotes those of JSON have a backslash.
	secretEntry = lazily(`(?i)(["'][^"'\\]*(?:keys?|token|secrets?|passw(?:or)?ds?|credentials?)\\?["']\s*:\s*)` +
		`(?:\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|[^\s,{}\[\]"'\\]+)`)
)

// isSecretOption reports whether the word is an option whose value is secret.
func isSecretOption(word string) bool { return secretOption(word) || secretBeginning(word) }

// lazily returns what compiles an expression at its first use: most runs have
// none.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// pattern returns what tells whether a text matches an expression.
func pattern(expression string) func(text string) bool {
	compiled := lazily(expression)
	return func(text string) bool { return compiled().MatchString(text) }
}

// dropSecrets removes variables that look like secrets from env: without a
// secret of the run's own, whoever reaches the port is told them.
func (n *node) dropSecrets(env map[string]string) {
	for name := range env {
		if secretName(name) {
			delete(env, name)
			n.log.Warn(name + " is not passed on to the workers while SYMINIT_INSECURE=true; set it on each node")
		}
	}
}
