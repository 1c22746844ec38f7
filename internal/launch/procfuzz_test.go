package launch

import (
	"slices"
	"strings"
	"testing"
)

// FuzzCommandLine reads command lines as the kernel shows them, and first lines of
// scripts: vLLM is found behind any Python, and a script's Python where pip writes it.
func FuzzCommandLine(f *testing.F) {
	f.Add("python3\x00-u\x00/usr/bin/vllm\x00serve\x00m\x00", "--log_dir=/logs", "opt/venv/bin", "")
	f.Add("sh\x00-c\x00vllm serve m\x00", "--log_dir=", "a b/bin", "#!/bin/sh\n'''exec' \"")
	f.Add("", "\x00", "", "#!/usr/bin/env\n#!\n'''exec' \n")
	f.Add("python3\x00-m\x00", "--log_dir", "x", "#! /usr/bin/env -S python3 -u")
	f.Fuzz(func(t *testing.T, line, value, folder, script string) {
		if runsVLLM(line) && !strings.Contains(line, "vllm") {
			t.Errorf("%q is vLLM", line)
		}
		for _, begins := range []string{"vllm\x00serve", "python3\x00/usr/bin/vllm\x00serve", "/usr/bin/python3.12\x00-u\x00-m\x00vllm.entrypoints.cli.main\x00serve"} {
			if whole := begins + "\x00" + line; !runsVLLM(whole) {
				t.Errorf("%q isn't vLLM", whole)
			}
			if whole := "sh\x00" + begins + "\x00" + line; runsVLLM(whole) {
				t.Errorf("%q is vLLM", whole)
			}
		}
		const option = "--log_dir="
		if got := argumentIn(line, option); got != "" && !slices.Contains(strings.Split(line, "\x00"), option+got) {
			t.Errorf("%q has %s%s", line, option, got)
		}
		if !strings.Contains(line, option) && !strings.Contains(value, "\x00") && argumentIn(line+"\x00"+option+value+"\x00x\x00", option) != value {
			t.Errorf("behind %q %s%s isn't found", line, option, value)
		}

		path := []string{"PATH=/nowhere"}
		if got := interpreterIn(strings.NewReader(script), path); strings.ContainsRune(got, '\n') || !strings.Contains(script, got) {
			t.Errorf("%q is run by %q", script, got)
		}
		python := "/" + folder + "/python3"
		if strings.ContainsAny(python, "\"\n\r") || len(python) > 1000 {
			return
		}
		if got := interpreterIn(strings.NewReader("#!/bin/sh\n'''exec' \""+python+"\" \"$0\" \"$@\"\n' '''\n"+script), path); got != python {
			t.Errorf("%q was read as %q", python, got)
		}
		if fields := strings.Fields(python); len(fields) == 1 && fields[0] == python {
			if got := interpreterIn(strings.NewReader("#!"+python+"\n"+script), path); got != python {
				t.Errorf("%q was read as %q", python, got)
			}
		}
	})
}
