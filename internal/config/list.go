package config

import (
	"path"
	"strings"
)

// Globs is a list of patterns for variable names, as path.Match takes them.
type Globs []string

// UnmarshalText splits a comma list; "none" is the empty list.
func (g *Globs) UnmarshalText(text []byte) error {
	*g = nil
	if string(text) == "none" {
		return nil
	}
	for item := range strings.SplitSeq(string(text), ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		if _, err := path.Match(item, ""); err != nil || strings.Contains(item, "=") {
			return &fault{reason: "bad pattern " + quote(item)}
		}
		*g = append(*g, item)
	}
	return nil
}

// Words is a list of arguments.
type Words []string

// UnmarshalText splits text into words as a shell does: at white space, with
// '…' literal, "…" literal but for \" and \\, and a backslash elsewhere taking
// the next character as it is. There are no variables, patterns or comments.
func (w *Words) UnmarshalText(text []byte) error {
	var (
		words   []string
		word    strings.Builder
		started bool // so that '' is a word
		quoting byte // the open quote, or 0
	)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoting == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
			continue
		case c == quoting:
			quoting = 0
			continue
		case quoting == 0 && (c == '\'' || c == '"'):
			quoting, started = c, true
			continue
		case c == '\\' && escapes(quoting, text[i+1:]):
			i++
			c = text[i]
		case c == '\\' && quoting == 0:
			return &fault{reason: "a backslash at the end"}
		}
		word.WriteByte(c)
		started = true
	}
	if quoting != 0 {
		return &fault{reason: "a quote " + string(quoting) + " without its end"}
	}
	if started {
		words = append(words, word.String())
	}
	*w = words
	return nil
}

// escapes reports whether a backslash before rest, within the given quote,
// takes the next character as it is.
func escapes(quoting byte, rest []byte) bool {
	switch {
	case len(rest) == 0 || quoting == '\'':
		return false
	case quoting == '"':
		return rest[0] == '"' || rest[0] == '\\'
	}
	return true
}
