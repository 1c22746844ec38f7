package config

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

var (
	secretOption = pattern(`(?i)^-.*(key|token|secret|password)$`)
	secretWord   = pattern(`(?i)^(authorization:|bearer)$`)
	secretName   = pattern(`(?i)(^|_)(key|token|secret|password|credentials?)(_|$)`)
)

// pattern returns what tells whether a text matches an expression, which is
// compiled at the first use: most runs have none.
func pattern(expression string) func(text string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
	return func(text string) bool { return compiled().MatchString(text) }
}

// SecretName reports whether a variable of that name looks like a secret.
func SecretName(name string) bool { return secretName(name) }

// MaskSecrets returns the words of a command as people may see them. It replaces
// what follows an option like --api-key, up to the next option, and the value of
// a variable like HF_TOKEN=. A word with blanks is taken for a command line
// itself, as after sh -c.
func MaskSecrets(args []string) []string {
	masked := make([]string, len(args))
	secret := false
	for i, arg := range args {
		name, _, inline := strings.Cut(arg, "=")
		option := strings.HasPrefix(arg, "-")
		switch {
		case secret && !option:
			masked[i] = mask
			continue
		case inline && (secretOption(name) || !option && secretName(name)):
			masked[i] = name + "=" + mask
		case strings.ContainsAny(arg, " \t\n"):
			masked[i] = strings.Join(MaskSecrets(strings.Fields(arg)), " ")
		default:
			masked[i] = arg
		}
		secret = secretOption(arg) || secretWord(arg)
	}
	return masked
}

// shown returns a variable's value as people may see it.
func shown(name, value string) string {
	switch name {
	case nameToken:
		return mask
	case nameTokenFile:
		return shownPath(value)
	case nameRayStartArgs:
		return shownWords(value)
	}
	return value
}

// kept returns a variable's value as a Config keeps it as text: without what must
// be in the Token alone.
func kept(name, value string) string {
	if name == nameToken || name == nameTokenFile {
		return shown(name, value)
	}
	return value
}

// shownWords masks secrets in words as a shell takes them. Where they can't be
// told apart, and something looks like a secret, nothing is shown.
func shownWords(value string) string {
	var words Words
	split := words.UnmarshalText([]byte(value)) == nil
	if !split {
		words = strings.Fields(strings.NewReplacer(`'`, "", `"`, "", `\`, "").Replace(value))
	}
	masked := MaskSecrets(words)
	switch {
	case slices.Equal(masked, words):
		return value
	case !split:
		return mask
	}
	return strings.Join(masked, " ")
}
