package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

var update = flag.Bool("update", false, "write the table of variables into README.md")

const (
	readme = "../../README.md"
	begin  = "<!-- variables:begin -->\n"
	end    = "<!-- variables:end -->"
)

func TestReadmeHasTheTable(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	table, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("README.md lacks the lines %sand %s", begin, end)
	}
	want := config.MarkdownTable()
	if string(table) == want {
		return
	}
	if !*update {
		t.Fatalf("README.md's table of variables differs from the code's; run: go test ./internal/config -run %s -update\nwant:\n%s", t.Name(), want)
	}
	text = slices.Concat(before, []byte(begin+want+end), after)
	if err := os.WriteFile(readme, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTableIsComplete(t *testing.T) {
	rows := strings.Split(strings.TrimSuffix(config.MarkdownTable(), "\n"), "\n")[2:]
	c, _ := config.Load(nil)
	if len(rows) != len(c.Values()) || len(rows) != 32 {
		t.Fatalf("%d rows, %d variables", len(rows), len(c.Values()))
	}
	for i, v := range c.Values() {
		cells := strings.Split(rows[i], " | ")
		if !strings.HasPrefix(rows[i], "| `"+v.Name+"` | ") || len(cells) != 4 {
			t.Errorf("%s: %s", v.Name, rows[i])
			continue
		}
		for _, cell := range cells {
			if strings.Trim(cell, " |`") == "" {
				t.Errorf("an empty cell in %s", rows[i])
			}
		}
	}
}

func TestValuesAsJSON(t *testing.T) {
	c, err := resolved(t, with("RANK", "1"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c.Values())
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]map[string]string
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	for name, want := range map[string][2]string{
		"SYMINIT_RANK":     {"1", "environment"},
		"SYMINIT_TOKEN":    {"***", "environment"},
		"SYMINIT_PORT":     {"6378", "default"},
		"SYMINIT_NODE_IP":  {"", "default"},
		"SYMINIT_INSECURE": {"false", "default"},
	} {
		got := object[name]
		if len(got) != 2 || got["value"] != want[0] || got["source"] != want[1] {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestValuesAsText(t *testing.T) {
	c, err := resolved(t, with("RAY_START_ARGS", "--a\t\x1b[31m"))
	if err != nil {
		t.Fatal(err)
	}
	text := c.Values().String()
	column := strings.Index(text, "n1")
	for line := range strings.Lines(text) {
		if line[column-1] != ' ' || line[column] == ' ' {
			t.Errorf("not aligned at %d: %q", column, line)
		}
	}
	if strings.Contains(text, "\x1b") || !strings.Contains(text, `"--a\t\x1b[31m"`) {
		t.Errorf("control characters reach the terminal: %q", text)
	}
}

func TestChildEnviron(t *testing.T) {
	env := []string{"A=1", "SYMINIT_TOKEN=x", "A=2", "broken", "B=\xff\n", "SYMINIT_TOKEN_FILE=/x", "SYMINIT_TOKEN_", "SYMINIT_NODES=2", "SYMINIT_TOKEN="}
	given := slices.Clone(env)
	want := []string{"A=1", "A=2", "broken", "B=\xff\n", "SYMINIT_TOKEN_", "SYMINIT_NODES=2"}
	if got := config.ChildEnviron(env); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !slices.Equal(env, given) {
		t.Errorf("the argument was changed to %q", env)
	}
}

// TestUnsetSecretShowsAsUnset: who looks whether it got into the container sees that
// it didn't.
func TestUnsetSecretShowsAsUnset(t *testing.T) {
	for environ, want := range map[string]string{"": "", "SYMINIT_TOKEN=": "", "SYMINIT_TOKEN=s3cret": "***"} {
		c, err := config.Load([]string{environ})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range c.Values() {
			if v.Name == "SYMINIT_TOKEN" && v.Value != want || v.Name == "SYMINIT_TOKEN_FILE" && v.Value != "" {
				t.Errorf("with %q: %s is %q", environ, v.Name, v.Value)
			}
		}
	}
}
