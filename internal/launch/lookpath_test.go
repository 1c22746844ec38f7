package launch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
)

func TestExecErrors(t *testing.T) {
	root := tree(t, map[string]string{
		"none/": "", "dir/thing/": "", "good/tool": "#!/bin/sh\nexit 9\n", "plain/tool": "echo hi\n",
		"badexec/tool": "\x7fnot a program", "nointerp/tool": "#!/nowhere/sh\n",
	})
	if err := os.Chmod(filepath.Join(root, "plain/tool"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(root, name) }
	tests := map[string]struct {
		command, path string
		code          int
		want          string
	}{
		"not in PATH":        {"tool", file("none"), 127, "tool: command not found"},
		"no such file":       {file("none/tool"), "", 127, "no such file"},
		"no folder":          {file("good/tool/x"), "", 127, "no such file"},
		"not executable":     {file("plain/tool"), "", 126, "chmod +x"},
		"only such in PATH":  {"tool", file("none") + ":" + file("plain"), 126, "chmod +x"},
		"a folder":           {file("dir/thing"), "", 126, "is a directory"},
		"a folder in PATH":   {"thing", file("dir"), 126, "is a directory"},
		"no program":         {file("badexec/tool"), "", 126, "exec format error"},
		"interpreter absent": {file("nointerp/tool"), "", 126, "interpreter"},
		"empty":              {"", file("good"), 127, "an empty word in place of the command"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Start(Command{Argv: []string{test.command}, Env: []string{"PATH=" + test.path}}, ProcessConfig{Name: "job", Log: zap.NewNop(), TailLines: 5})
			var exec *ExecError
			if !errors.As(err, &exec) || exec.Code != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v (%+v), want %d, %q", err, exec, test.code, test.want)
			}
		})
	}

	t.Run("the next one in PATH", func(t *testing.T) {
		c := Command{Argv: []string{"tool"}, Env: []string{"PATH=" + file("plain") + ":" + file("dir") + ":" + file("good")}}
		p := start(t, c)
		waitDone(t, p)
		if got := p.Status().ExitStatus(); got != 9 {
			t.Errorf("exit code %d, want 9", got)
		}
	})
	t.Run("in the current folder", func(t *testing.T) {
		t.Chdir(file("good"))
		for _, list := range []string{".", "", ":/nowhere"} {
			waitDone(t, start(t, Command{Argv: []string{"tool"}, Env: []string{"PATH=" + list}}))
		}
	})
	t.Run("no PATH", func(t *testing.T) {
		waitDone(t, start(t, Command{Argv: []string{"sh", "-c", "exit 0"}, Env: []string{"X=1"}}))
	})
}
