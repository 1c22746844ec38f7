package launch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzServe reads any command line of vLLM's, and any file that its --config may
// name: what is taken out of the line is out, and a line that was arranged for a
// node needs nothing more.
func FuzzServe(f *testing.F) {
	for _, seed := range []struct{ line, file string }{
		{"m -tp 2", ""},
		{"m -tp=2 --api-server-count=4 -asc 4 --max-model-len 8", ""},
		{"m -tp 2 --nnodes=2 --node_rank 1 --master-addr host-a --master-port=1234", ""},
		{"m -dp 4 -dph", ""},
		{"m -dp 2 -dpe --no-data-parallel-external-lb", ""},
		{"m -dp 2 -dpn 0 --data_parallel_size_local=1 -dpa 10.0.0.1 -dpp 13345", ""},
		{"-tp 2 -n2 -- m --headless", ""},
		{"--api-key a b --port 1 m -r -1 --uds /run/s --no-headless", ""},
		{"--config c.yaml", "model: \"m\"\ntensor-parallel-size: 8 # x\n'port': 9001\nheadless: false\nserved-model-name:\n- a\n"},
		{"m --config c.yaml -dp 2", "data_parallel_backend: mp\napi-server-count: 4\n{x: 1}\r\nhttps://x: y\nenforce-eager: on"},
		{"m -tp -- -dp --nnodes --config", ""},
		{"serve vllm serve m --tensor_ 2 --head --data-parallel-size-l", ""},
	} {
		f.Add(strings.ReplaceAll(seed.line, " ", "\x00"), seed.file, uint8(1), uint8(2))
		f.Add(strings.ReplaceAll(seed.line, " ", "\x00"), seed.file, uint8(0), uint8(4))
	}
	f.Add("-dp\x002\x00-dp", "", uint8(0), uint8(0))
	path := filepath.Join(f.TempDir(), "c.yaml")
	f.Fuzz(func(t *testing.T, line, file string, rank, nodes uint8) {
		nodes = nodes%4 + 1
		rank %= nodes
		words := strings.Split(line, "\x00")
		for i, word := range words[1:] {
			if words[i] == "--config" && word != "" {
				words[i+1] = path // and no file of the machine's
			}
		}
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{
			append([]string{"vllm", "serve"}, words...),
			append([]string{"python3", "-m", "vllm.entrypoints.openai.api_server"}, words...), words,
		} {
			readAll(t, command)
		}
		server, _ := readServe(append([]string{"vllm", "serve"}, words...))
		for _, o := range all() {
			left := server.without(o)
			if w, ok := left.onLine(o); ok {
				t.Errorf("%q without %s still has %s", words, o.long, w)
			}
			if _, had := server.onLine(o); !had && !slices.Equal(left.given, words) {
				t.Errorf("%q without %s, which isn't there, is %q", words, o.long, left.given)
			}
		}
		spec := serve("", int(rank), int(nodes))
		sp := spread{line: server, nodes: int(nodes), rank: int(rank), spec: &spec}
		if sp.arrange() != nil {
			return
		}
		arranged := serveLine{given: sp.words(), file: server.file, vllm: true}
		headless := arranged.has(optHeadless)
		if headless != slices.Contains(sp.add, optHeadless.long) {
			t.Errorf("%q is headless: %t", arranged.given, headless)
		}
		if headless { // which no user may give
			return
		}
		again := spread{line: arranged, nodes: int(nodes), rank: int(rank), spec: &spec}
		if err := again.arrange(); err != nil || !slices.Equal(again.words(), arranged.given) {
			t.Errorf("%q, with %q in the file, arranged for rank %d of %d once: %q, and again: %q, %v", words, file, rank, nodes, arranged.given, again.words(), err)
		}
	})
}

// readAll asks all there is to ask of a command.
func readAll(t *testing.T, command []string) {
	t.Helper()
	ModelOf(command)
	MeetingOf(command, 2)
	ServePorts(command, 2)
	ServesEverywhere(command, 2)
	if h, ok := VLLMHealth(command); ok && !strings.HasSuffix(h.URL, "/health") {
		t.Errorf("%q says at %s how it is", command, h.URL)
	}
	if _, err := RuntimeFor(2, command, Image{}); err != nil && err.Error() == "" {
		t.Errorf("%q has an error that says nothing", command)
	}
	once, doubled := Undouble(command)
	if _, still := Undouble(once); still || doubled == slices.Equal(once, command) {
		t.Errorf("%q undoubled is %q", command, once)
	}
	spec := serve("", 1, 2)
	spec.Job = command
	if plan, err := NewPlan(spec); err == nil && plan.Job == nil {
		t.Errorf("%q has no job", command)
	}
}
