package launch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedOptions: every option in a command line of torchrun's or SGLang's that
// the documents show is one of that program's, by its whole name and with its value.
func TestDocumentedOptions(t *testing.T) {
	var files []string
	for _, pattern := range []string{"README.md", "docs/*.md", "examples/*/*"} {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	for program, command := range map[string]string{"torchrun": "torchrun", "sglang": "sglang.launch_server"} {
		_, most := optionsOf(t, program)
		line := regexp.MustCompile(`(?m)\b` + regexp.QuoteMeta(command) + ` (-[^` + "`" + `\n]*)`)
		lines := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range line.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\\n", " "), -1) {
				lines++
				if wrong := misused(strings.Fields(found[1]), most, program == "torchrun"); wrong != "" {
					t.Errorf("%s: %s has no option for %q in: %s", file, program, wrong, found[0])
				}
			}
		}
		if lines == 0 {
			t.Errorf("no document has a command line of %s", command)
		}
	}
}

// misused returns the first word that is neither an option with its value nor that
// value. What follows a script is the script's.
func misused(words []string, most map[string]int, script bool) string {
	for len(words) > 0 {
		word := words[0]
		if script && !strings.HasPrefix(word, "-") {
			return ""
		}
		name, _, joined := strings.Cut(word, "=")
		takes, known := most[name]
		values := 0
		for values < takes && !joined && values+1 < len(words) && !strings.HasPrefix(words[values+1], "-") {
			values++
		}
		if !known || joined && takes == 0 || !joined && takes == 1 && values == 0 {
			return word
		}
		words = words[1+values:]
	}
	return ""
}

func TestMisused(t *testing.T) {
	most := map[string]int{"--flag": 0, "--one": 1, "--many": 9}
	for line, want := range map[string]string{
		"--one 1 --one=2 --flag --many a b --many": "",
		"--one 1 script --unknown":                 "",
		"--on 1":                                   "--on",
		"--one --flag":                             "--one",
		"--one":                                    "--one",
		"--flag=1":                                 "--flag=1",
	} {
		if got := misused(strings.Fields(line), most, true); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if got := misused([]string{"--flag", "script"}, most, false); got != "script" {
		t.Errorf("a word too many is %q", got)
	}
}
