package config

import (
	"regexp"
	"strings"
	"sync"
)

// maxNames is how many names a word may have one behind the other; what would take
// long to look through isn't shown.
const maxNames = 50

// SecretName reports whether a variable of that name looks like a secret.
func SecretName(name string) bool { return secretName(name) || isPass(name) }

// MaskSecrets returns the words of a command as people may see them. It replaces
// what looks like a secret: what follows an option like --api-key or --auth, up to
// the next option, the value of a variable like HF_TOKEN= or DB_PASS=, of an entry
// of JSON or of a URL's query by such a name, a URL's signature, and its user. A word with blanks is taken for a
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
		arg = slashedUser().ReplaceAllString(arg, "${1}"+mask+"@")
	}
	if strings.ContainsAny(arg, "?&#") {
		arg = secretQuery().ReplaceAllString(arg, "${1}"+mask)
	}
	if strings.ContainsAny(arg, `"'`) {
		arg = maskEntries(arg)
	}
	return arg
}

// maskEntries masks the values of entries, also of one that begins where a text
// with quotes in it makes another seem to end.
func maskEntries(text string) string {
	var b strings.Builder
	written := 0
	for from := 0; ; {
		at := secretEntry().FindStringSubmatchIndex(text[from:])
		if at == nil {
			return b.String() + text[written:]
		}
		value, end := from+at[3], from+at[1]
		if value >= written {
			b.WriteString(text[written:value] + mask)
		}
		written = max(written, end)
		from += at[0] + 1
	}
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
		case inline && !strings.ContainsAny(name, blanks) && (isSecretOption(name) || !option && SecretName(name)):
			masked[i] = name + "=" + mask
			quote = leftOpen(value)
		case strings.ContainsAny(arg, blanks):
			masked[i] = strings.Join(maskWords(strings.Fields(arg)), " ")
		case strings.Count(value, "=") > maxNames:
			masked[i] = name + "=" + mask
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
	secretOption = pattern(`(?i)^-.*(key|token|secret|passw(or)?d|passphrase|credentials?)\+?$`)
	// vLLM takes beginnings of --api-key and --hf-token.
	secretBeginning = pattern(`^--(api[-_]k|hf[-_]t)`)
	// As in a header; a small basic is a kind, as in --auth-type basic.
	secretWord = pattern(`(?i:(authorization|key|token|secret|password):|(^|["'=])bearer|authorization=["']?basic)$|(^|["'=])Basic$`)
	secretName = pattern(`(?i)(^|[^a-z])(key|token|secret|password|credentials?)([^a-z]|$)|apikey|passw(or)?d$|passphrase$`)
	// DB_PASS and --auth, but neither BYPASS nor --auth-type; PWD is a folder, DB_PWD isn't.
	passWord   = pattern(`(?i)(^|[^a-z])(db|pg|my|sql)?(pass|auth)$|[a-z0-9][^a-z]pwd$`)
	passSwitch = pattern(`(?i)(^|[^a-z])(no|enable|disable|use|skip|require|by|one|two|single|multi|old)[^a-z](pass|auth|pwd)$`)

	secretUser = lazily(`(://)[^/\s"'?#]+@`)
	// A password with a character that ends the host in a URL: what stands behind
	// the colon is no port.
	slashedUser = lazily(`(://)(?:|[^/@\s"'?#:\[]+):(?:\d{0,5}[^\d/?#@,\s"']|[/?#]|\d{6})[^\s"']*@`)
	secretQuery = lazily(`(?i)([?&#](?:[^=&?#\s"']*(?:key|token|secret|password|passwd|signature|credentials?)|(?:[^=&?#\s"']*[^=&?#\s"'a-z])?(?:sig|pass|pwd|auth))=)[^&#\s"']+`)
	// A name in quotes that ends so, and a text, a list or a plain word, but no
	// option, which may have a secret behind it; in a shell's double quotes those
	// of JSON have a backslash.
	secretEntry = lazily(`(?i)(["'](?:[^"'\\]*(?:keys?|token|secrets?|passw(?:or)?ds?|passphrase|credentials?|authorization)|(?:[^"'\\]*[^"'\\a-z])?(?:pass|auth))\\?["']\s*:\s*)` +
		`(?:\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|\[[^\]]*\]|\{[^}]*\}|-?[^-\s,{}\[\]"'\\][^\s,{}\[\]"'\\]*)`)
)

// isSecretOption reports whether the word is an option whose value is secret.
func isSecretOption(word string) bool {
	return secretOption(word) || secretBeginning(word) || strings.HasPrefix(word, "-") && isPass(word)
}

// isPass reports whether the last part of a name says that its value is a password.
func isPass(name string) bool { return passWord(name) && !passSwitch(name) }

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
