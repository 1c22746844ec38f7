package agent

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// TestDoubledServe: an image has `vllm serve` in its ENTRYPOINT, and it is there
// again in its arguments.
func TestDoubledServe(t *testing.T) {
	job, out := filepath.Join(t.TempDir(), "vllm"), filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(job, []byte("#!/bin/sh\necho \"$*\" > "+out+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{job, "serve", job, "serve", "m"}, {job, "serve", "m"}} {
		core, logged := observer.New(zap.WarnLevel)
		link := &onlyLink{signals: make(chan syscall.Signal)}
		err := Run(Config{
			Args: args, Environ: []string{"PATH=/bin:/usr/bin"}, Link: link, Log: zap.New(core),
			Settings: settings(t, "SYMINIT_PREFLIGHT=off", "SYMINIT_SERVICE=false"),
		})
		text, _ := os.ReadFile(out)
		if err != nil || link.code != 0 || strings.TrimSpace(string(text)) != "serve m" {
			t.Errorf("%q: %v, code %d, ran with %q", args, err, link.code, text)
		}
		if said := logged.FilterMessageSnippet("twice").Len(); said != len(args)/5 {
			t.Errorf("%q: said %d times", args, said)
		}
	}
}
