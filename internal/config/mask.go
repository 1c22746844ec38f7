package config

import (
	"regexp"
	"strings"
	"sync"
)

// SecretName reports whether a variable of that name looks like a secret.
func SecretName(name string) bool { return secretName(name) }

// MaskSecrets returns the words of a command as people may see them. It replaces
// what looks like a secret: what follows an option like --api-key, up to the next
// option, the value of a variable like HF_TOKEN=, of an entry of JSON or of a
// URL's query by such a name, and a URL's user. A word with blanks is taken for a
// command line itself, as after sh -c.
func MaskSecrets(args []string) []string {
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
	secretOption = pattern(`(?i)^-.*(key|token|secret|passw(or)?d|credentials?)\+?$`)
	// vLLM takes beginnings of --api-key and --hf-token.
	secretBeginning = pattern(`^--(api[-_]k|hf[-_]t)`)
	secretWord      = pattern(`(?i)(authorization|key|token|secret|password):$|(^|["'=])(bearer|basic)$`) // as in a header
	secretName      = pattern(`(?i)(^|[^a-z])(key|token|secret|password|credentials?)([^a-z]|$)|apikey|passw(or)?d$`)

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
