package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"  ":                     nil,
		"a":                      {"a"},
		" a  b\tc\n":             {"a", "b", "c"},
		"'a b' c":                {"a b", "c"},
		`"a b"c`:                 {"a bc"},
		`--x='{"a": 1}'`:         {`--x={"a": 1}`},
		`"\"" "\\" "\n" '\'`:     {`"`, `\`, `\n`, `\`},
		`a\ b \' \\`:             {"a b", "'", `\`},
		"''":                     {""},
		`x ""  y`:                {"x", "", "y"},
		`'it'\''s'`:              {"it's"},
		"$HOME #not-a-comment *": {"$HOME", "#not-a-comment", "*"},
		"é '日本 語'":               {"é", "日本 語"},
	} {
		var got config.Words
		if err := got.UnmarshalText([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"'", `"`, `'a"`, `"a\"`, `\`, `a \`, `"\`} {
		var got config.Words
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

// FuzzWords: what a shell's quoting of words makes is split into those words.
func FuzzWords(f *testing.F) {
	f.Add("a\x00b c\x00\x00it's")
	f.Add(`\"'`)
	f.Fuzz(func(t *testing.T, joined string) {
		var split config.Words
		_ = split.UnmarshalText([]byte(joined)) // must not panic
		words := strings.Split(joined, "\x00")
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		if err := split.UnmarshalText([]byte(strings.Join(quoted, " "))); err != nil || !slices.Equal(split, words) {
			t.Errorf("got %q, %v, want %q", split, err, words)
		}
	})
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"none", nil},
		{"A", []string{"A"}},
		{" A_* , B?,,", []string{"A_*", "B?"}},
		{"[AB]_*", []string{"[AB]_*"}},
	} {
		var got config.Globs
		if err := got.UnmarshalText([]byte(c.text)); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}
