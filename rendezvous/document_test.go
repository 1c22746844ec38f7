package rendezvous

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// found are what the pattern's first group matches in a file.
func found(t *testing.T, path, pattern string) map[kind]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[kind]bool)
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		all[kind(match[1])] = true
	}
	return all
}

// TestEveryKindIsWrittenDown: of each kind that the code has there is a row in the
// document's table and a file under testdata, and of no other.
func TestEveryKindIsWrittenDown(t *testing.T) {
	code := found(t, "message.go", `(?m)^\s+kind\w+\s+kind = "(\w+)"`)
	rows := found(t, "../docs/protocol.md", "(?m)^\\| `(\\w+)` \\| (?:worker|head|both) \\|")
	files, tested := make(map[kind]bool), make(map[kind]bool)
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		files[kind(filepath.Base(path[:len(path)-len(".json")]))] = true
	}
	for _, m := range everyMessage() {
		tested[m.Type] = true
	}
	for what, have := range map[string]map[kind]bool{"rows": rows, "files": files, "tested": tested} {
		for k := range code {
			if !have[k] {
				t.Errorf("the %s lack %q", what, k)
			}
		}
		if len(have) != len(code) {
			t.Errorf("%d %s, and %d kinds", len(have), what, len(code))
		}
	}
}
