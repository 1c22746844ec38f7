package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files under a new folder: a name that ends in / is a folder, a
// file with contents is executable.
func tree(t *testing.T, files map[string]string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, contents := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if name[len(name)-1] == '/' {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(contents), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestInspect(t *testing.T) {
	const site = "lib/python3.12/site-packages/"
	installed := func(script string) map[string]string {
		return map[string]string{
			"bin/ray": script, "bin/python3": "", site + "ray-2.60.0.dist-info/": "",
			site + "ray_cpp-9.9.dist-info/": "", site + "vllm-0.32.0+cpu.dist-info/": "", site + "torch-2.9.0.dist-info/": "", site + "grpcio-1.70.0.dist-info/": "",
		}
	}
	all := Image{Ray: "2.60.0", VLLM: "0.32.0+cpu", Torch: "2.9.0", Python: "3.12", GRPC: true}
	tests := map[string]struct {
		script string // ROOT stands for the prefix
		want   Image
	}{
		"virtual environment":  {"#!ROOT/bin/python3\nimport ray\n", all},
		"option":               {"#!ROOT/bin/python3 -E\n", all},
		"env":                  {"#!/usr/bin/env python3\n", all},
		"long path":            {"#!/bin/sh\n'''exec' \"ROOT/bin/python3\" \"$0\" \"$@\"\n' '''\n", all},
		"long path, no quotes": {"#!/bin/sh\n'''exec' ROOT/bin/python3 \"$0\" \"$@\"\n' '''\n", all},
		"shell script":         {"#!/bin/sh\nexec something \"$@\"\n", Image{}},
		"no script":            {"\x7fELF", Image{}},
		"empty":                {"", Image{}},
		"bare first line":      {"#!\n", Image{}},
		"another python":       {"#!/nowhere/bin/python3\n", Image{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := tree(t, installed(""))
			script := filepath.Join(root, "bin/ray")
			text := []byte(strings.ReplaceAll(test.script, "ROOT", root))
			if err := os.WriteFile(script, text, 0o755); err != nil {
				t.Fatal(err)
			}
			want := test.want
			want.RayBin = script
			if got := Inspect([]string{"PATH=" + filepath.Dir(script)}, "ray"); got != want {
				t.Errorf("Inspect() = %+v, want %+v", got, want)
			}
		})
	}

	t.Run("vllm without ray", func(t *testing.T) {
		root := tree(t, map[string]string{"bin/vllm": "", site + "vllm-0.19.1.dist-info/": ""})
		script := filepath.Join(root, "bin/vllm")
		if err := os.WriteFile(script, []byte("#!"+root+"/bin/python\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		want := Image{VLLM: "0.19.1", Python: "3.12"}
		if got := Inspect([]string{"PATH=" + filepath.Dir(script)}, "ray"); got != want {
			t.Errorf("Inspect() = %+v, want %+v", got, want)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		if got := Inspect([]string{"PATH=" + t.TempDir()}, "ray"); got != (Image{}) {
			t.Errorf("Inspect() = %+v", got)
		}
	})
}

func TestPythonVersion(t *testing.T) {
	for packages, want := range map[string]string{
		"/usr/lib/python3.12/site-packages": "3.12",
		"/usr/lib/python3/dist-packages":    "",
	} {
		if got := pythonVersion(packages); got != want {
			t.Errorf("pythonVersion(%q) = %q", packages, got)
		}
	}
}
