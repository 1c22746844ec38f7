package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

// FuzzParse: whatever the arguments, what is run is the end of them, and of
// symmetric-run's options `ray start` gets all but the two that are syminit's.
func FuzzParse(f *testing.F) {
	f.Add("vllm\x00serve\x00m")
	f.Add("--\x00syminit\x00--\x00/bin/syminit\x00doctor\x00--\x00x")
	f.Add("symmetric-run\x00--address\x00h:6379\x00--min-nodes=2\x00--num-gpus\x001\x00--\x00c")
	f.Add("symmetric-run\x00--address=[fd00::1]:1\x00--resources={\"a b\": 1}\x00it's\x00\x00--\x00c")
	f.Add("symmetric-run\x00--address\x00--min-nodes\x00--\x00--\x00c")
	f.Add("config\x00--json")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		cmd, err := parse(args)
		if err != nil {
			if err.Error() == "" {
				t.Errorf("%q has an error that says nothing", args)
			}
			return
		}
		if len(cmd.args) > len(args) || !slices.Equal(cmd.args, args[len(args)-len(cmd.args):]) {
			t.Fatalf("of %q this is run: %q", args, cmd.args)
		}
		if cmd.verb != verbSymmetricRun {
			return
		}
		var words config.Words
		if err := words.UnmarshalText([]byte(cmd.env["SYMINIT_RAY_START_ARGS"])); err != nil {
			t.Fatalf("%q: %v", cmd.env, err)
		}
		var want []string
		given := args[slices.Index(args, "symmetric-run")+1 : len(args)-len(cmd.args)-1]
		for i := 0; i < len(given); i++ {
			switch name, _, inline := strings.Cut(given[i], "="); {
			case name != "--address" && name != "--min-nodes":
				want = append(want, given[i])
			case !inline:
				i++
			}
		}
		if !slices.Equal(words, want) {
			t.Errorf("%q gives ray start %q, want %q", args, words, want)
		}
	})
}
