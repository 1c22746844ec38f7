package launch

import (
	"os"
	"slices"
	"strings"
)

// configFile is the file that vLLM's --config names, as far as it is plain: what
// is nested says nothing about how the server is spread, or where it listens.
type configFile struct {
	path    string // "" where the command has none
	entries []configEntry
}

// configEntry is an entry as the option that it stands for, and as it is there.
type configEntry struct{ word, text string }

// unread reports whether there is a file, and nothing could be read from it: it
// may be about anything. vLLM itself complains.
func (c configFile) unread() bool { return c.path != "" && len(c.entries) == 0 }

// readConfig reads the file that the words after `vllm serve` name. vLLM looks
// for that very word: it passes over --config=FILE (_pull_args_from_config in
// vllm/utils/argparse_utils.py, 0.32).
func readConfig(words []string) (c configFile) {
	at := slices.Index(words, "--config")
	if at < 0 || at+1 == len(words) {
		return c
	}
	c.path = words[at+1]
	text, _ := os.ReadFile(c.path)
	for line := range strings.Lines(string(text)) {
		if e, ok := entryOf(strings.TrimRight(line, "\r\n")); ok {
			c.entries = append(c.entries, e)
		}
	}
	return c
}

// entryOf reads a line of YAML. An entry that is false stands for nothing.
func entryOf(line string) (e configEntry, ok bool) {
	line, _, _ = strings.Cut(line, " #")
	name, value, ok := strings.Cut(line, ":")
	if !ok || value != "" && value[0] != ' ' && value[0] != '\t' || strings.TrimLeft(name, " \t#-{[") != name {
		return e, false
	}
	name, value = unquoted(name), unquoted(value)
	if value == "" {
		return e, false
	}
	e = configEntry{word: "--" + name + "=" + value, text: strings.TrimSpace(line)}
	switch strings.ToLower(value) {
	case "true", "yes", "on":
		e.word = "--" + name
	case "false", "no", "off":
		e.word = "--no-" + name
	}
	return e, true
}

func unquoted(text string) string { return strings.Trim(strings.TrimSpace(text), `"'`) }
