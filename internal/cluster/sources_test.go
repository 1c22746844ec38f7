package cluster

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumentedOrder: docs/schedulers.md has the sources in the order in which they
// are asked, each by what it is known by, and so has the README's table of settings.
func TestDocumentedOrder(t *testing.T) {
	var want []string
	for _, s := range sources() {
		want = append(want, s.name)
	}
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|.*").FindAllStringSubmatch(text(t, "docs/schedulers.md"), -1) {
		got = append(got, row[1])
		i := slices.Index(want, row[1])
		if i < 0 {
			continue
		}
		for _, known := range regexp.MustCompile(`\b[A-Z]+_[A-Z_]*[A-Z]\b`).FindAllString(sources()[i].need+" "+sources()[i].head, -1) {
			if !strings.Contains(row[0], known) {
				t.Errorf("the row of %s doesn't have %s", row[1], known)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/schedulers.md has %v, want %v", got, want)
	}
	last := len(want) - 1
	if accepted := "auto, none, " + strings.Join(want[:last], ", ") + " or " + want[last]; !strings.Contains(text(t, "README.md"), accepted) {
		t.Errorf("the README doesn't have %q", accepted)
	}
}

// text is a file of this checkout's.
func text(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
