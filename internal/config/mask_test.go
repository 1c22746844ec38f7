package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

// TestRayStartArgsMayHaveSecrets: whatever shows them, right or wrong, doesn't show a
// password in them, and Ray gets it.
func TestRayStartArgsMayHaveSecrets(t *testing.T) {
	for _, tt := range []struct {
		value, shown string
		words        int // 0: they are wrong
	}{
		{"--redis-password " + secret + " --num-gpus 1", "--redis-password *** --num-gpus 1", 4},
		{"--redis-password=" + secret, "--redis-password=***", 1},
		{`'--redis-password=a b` + secret + `'`, "--redis-password=***", 1},
		{`--redis-password 'a ` + secret + `'`, "--redis-password ***", 2},
		{`--labels='{"a": "b"}'`, `--labels='{"a": "b"}'`, 1},
		{`--redis-password "` + secret, "***", 0},
		{`"--redis-password=` + secret, "***", 0},
		{`--redis-pass"word" ` + secret + `\`, "***", 0},
		{`--num-gpus "1`, `--num-gpus "1`, 0},
	} {
		c, err := config.Load(environ(map[string]string{"RAY_START_ARGS": tt.value}))
		if (err == nil) != (tt.words > 0) {
			t.Errorf("%s: %v", tt.value, err)
		}
		again := c.Fill("slurm", map[string]string{"SYMINIT_NODES": "1"})
		var words config.Words
		if _ = words.UnmarshalText([]byte(tt.value)); len(words) != tt.words || !slices.Equal(c.RayStartArgs, words) {
			t.Errorf("%s: Ray gets %q", tt.value, c.RayStartArgs)
		}
		twice := c.Twice(map[string]string{"SYMINIT_RAY_START_ARGS": tt.value + "x"})
		if same := c.Twice(map[string]string{"SYMINIT_RAY_START_ARGS": tt.value}); twice == nil || same != nil {
			t.Errorf("%s: on the command line, and another one: %v; and the same: %v", tt.value, twice, same)
		}
		all := fmt.Sprint(c.Values(), err, again, twice)
		if strings.Contains(all, secret) {
			t.Errorf("it is shown: %s", all)
		}
		for _, v := range c.Values() {
			if v.Name == "SYMINIT_RAY_START_ARGS" && v.Value != tt.shown {
				t.Errorf("%s is shown as %s, want %s", tt.value, v.Value, tt.shown)
			}
		}
	}
}
