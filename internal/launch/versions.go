package launch

import (
	"bufio"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Image is what a container image has of Ray and vLLM. Anything unknown is "".
type Image struct {
	RayBin string // path of the ray command
	// RayPython runs RayBin; only where that is the script that pip writes,
	// which does nothing but call ray.scripts.scripts.main.
	RayPython string
	Ray       string // version
	VLLM      string // version
	Torch     string // version
	Python    string // version of the Python that runs them, as 3.12
	GRPC      bool   // grpcio is there: then Ray's head starts a Ray Client server
}

// Inspect looks at the files that pip leaves behind; starting Python to ask
// takes seconds. env is the environment whose PATH counts; rayBin is the ray
// command, a name or a path.
func Inspect(env []string, rayBin string) Image {
	var image Image
	if script, err := lookPath(rayBin, env); err == nil {
		image.RayBin = script
		python := interpreter(script, env)
		image.add(python)
		if isConsoleScript(script, "from ray.scripts.scripts import main") {
			image.RayPython = python
		}
	}
	if script, err := lookPath("vllm", env); err == nil {
		image.add(interpreter(script, env))
	}
	return image
}

// add fills in what is unknown so far from the packages of one Python.
func (i *Image) add(python string) {
	if python == "" {
		return
	}
	prefix := filepath.Dir(filepath.Dir(python))
	for _, packages := range packageDirs(prefix) {
		ray, vllm := packageVersion(packages, "ray"), packageVersion(packages, "vllm")
		if ray == "" && vllm == "" {
			continue
		}
		i.Ray = cmp.Or(i.Ray, ray)
		i.VLLM = cmp.Or(i.VLLM, vllm)
		i.Torch = cmp.Or(i.Torch, packageVersion(packages, "torch"))
		i.Python = cmp.Or(i.Python, pythonVersion(packages))
		i.GRPC = i.GRPC || packageVersion(packages, "grpcio") != ""
	}
}

// packageDirs lists where the Python of a prefix keeps packages. Debian's has
// two places more.
func packageDirs(prefix string) []string {
	prefixes := []string{prefix}
	if prefix == "/usr" {
		prefixes = []string{"/usr/local", "/usr"}
	}
	var dirs []string
	for _, p := range prefixes {
		for _, name := range []string{"site-packages", "dist-packages"} {
			found, _ := filepath.Glob(filepath.Join(p, "lib", "python3*", name)) // the pattern is well-formed
			dirs = append(dirs, found...)
		}
	}
	return dirs
}

// packageVersion returns the version of an installed package, from the name of
// its metadata folder, NAME-VERSION.dist-info.
func packageVersion(packages, name string) string {
	found, _ := filepath.Glob(filepath.Join(packages, name+"-*.dist-info"))
	if len(found) == 0 {
		return ""
	}
	version := strings.TrimPrefix(filepath.Base(slices.Max(found)), name+"-")
	return strings.TrimSuffix(version, ".dist-info")
}

// pythonVersion reads 3.12 from …/lib/python3.12/site-packages.
func pythonVersion(packages string) string {
	version := strings.TrimPrefix(filepath.Base(filepath.Dir(packages)), "python")
	if !strings.Contains(version, ".") {
		return "" // Debian's lib/python3, which serves several
	}
	return version
}

// maxScriptHead bounds how much of a script is read for its interpreter.
const maxScriptHead = 4096

// isConsoleScript reports whether a script has this line, as one has that pip
// wrote for an entry point.
func isConsoleScript(script, line string) bool {
	f, err := os.Open(script)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(io.LimitReader(f, maxScriptHead))
	for lines.Scan() {
		if lines.Text() == line {
			return true
		}
	}
	return false
}

// interpreter returns the Python that a script of pip's names in its first
// line; "" where it names none.
func interpreter(script string, env []string) string {
	f, err := os.Open(script)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	return interpreterIn(f, env)
}

// interpreterIn is interpreter for what stands in the script.
func interpreterIn(script io.Reader, env []string) string {
	lines := bufio.NewScanner(io.LimitReader(script, maxScriptHead))
	lines.Scan()
	first, ok := strings.CutPrefix(lines.Text(), "#!")
	words := strings.Fields(first)
	switch {
	case !ok || len(words) == 0:
		return ""
	case strings.HasPrefix(filepath.Base(words[0]), "python"):
		return words[0]
	case filepath.Base(words[0]) == "env" && len(words) > 1:
		python, err := lookPath(words[len(words)-1], env)
		if err != nil {
			return ""
		}
		return python
	}
	// Where the path is too long for a first line, or has blanks, pip writes
	// #!/bin/sh and '''exec' "/the/path/python3" "$0" "$@".
	lines.Scan()
	rest, _ := strings.CutPrefix(lines.Text(), "'''exec' ")
	if path, _, ok := strings.Cut(strings.TrimPrefix(rest, `"`), `"`); ok && rest != "" {
		return path
	}
	if words := strings.Fields(rest); len(words) > 0 {
		return words[0]
	}
	return ""
}
