package launch

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// optionsOf returns the names of each of a program's options, and by each name how many
// words it takes at most. test/vllm has vLLM's and torchrun's file from these
// themselves; SGLang's is what ServerArgs.add_cli_args of the wheel on PyPI makes.
func optionsOf(t *testing.T, program string) (options [][]string, most map[string]int) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + program + "-options")
	if err != nil {
		t.Fatal(err)
	}
	most = map[string]int{}
	_, lines, _ := strings.Cut(string(text), "\n") // the program and its version
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		n, err := strconv.Atoi(words[0])
		switch {
		case words[0] == "?":
			n = 1
		case err != nil: // + or *
			n = math.MaxInt
		}
		options = append(options, words[1:])
		for _, name := range words[1:] {
			most[name] = n
		}
	}
	return options, most
}

// TestOptionsAreThoseOfVLLM: each is read as vLLM's own parser does.
func TestOptionsAreThoseOfVLLM(t *testing.T) {
	options, most := optionsOf(t, "vllm")
	for name, n := range most {
		if got := takes(name); got != n {
			t.Errorf("%s takes %d words, not %d", name, n, got)
		}
	}
	for _, name := range slices.Concat(strings.Fields(flags), strings.Fields(lists)) {
		if _, ok := most[name]; !ok {
			t.Errorf("vLLM has no %s", name)
		}
	}
	for _, o := range all() {
		names := []string{o.long}
		if o.short != "" {
			names = append(names, o.short)
		}
		at := slices.IndexFunc(options, func(all []string) bool { return slices.Contains(all, o.long) })
		if at < 0 {
			t.Errorf("vLLM has no %s", o.long)
			continue
		}
		theirs := slices.DeleteFunc(slices.Clone(options[at]), func(name string) bool { return strings.HasPrefix(name, "--no-") })
		slices.Sort(theirs)
		slices.Sort(names)
		if !slices.Equal(names, theirs) || o.flag != (most[o.long] == 0) {
			t.Errorf("%+v is vLLM's %q, which takes %d words", o, options[at], most[o.long])
		}
	}
}

// TestBeginningsAreThoseOfVLLM: a beginning of a name stands for the whole where it
// does for vLLM, which refuses one that two have.
func TestBeginningsAreThoseOfVLLM(t *testing.T) {
	_, most := optionsOf(t, "vllm")
	whole := func(word string) string {
		var found []string
		for name := range most {
			if name == word {
				return word
			}
			if strings.HasPrefix(name, word) {
				found = append(found, name)
			}
		}
		if len(found) != 1 {
			return fmt.Sprintf("refused: %d have it", len(found))
		}
		return found[0]
	}
	for _, o := range all() {
		for _, name := range []string{o.long, o.short} {
			for end := 2; end <= len(name); end++ {
				word := name[:end]
				if word == "--" {
					continue
				}
				got, want := spelledOut(word), whole(word)
				if got != want && !strings.HasPrefix(want, "refused") {
					t.Errorf("%s is %s, not %s", word, want, got)
				}
			}
		}
	}
}
