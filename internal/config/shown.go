package config

import (
	"slices"
	"strings"
)

// shown returns a variable's value as people may see it.
func shown(name, value string) string {
	if value == "" { // not set, as who looks for it should see
		return ""
	}
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
