package launch

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRayToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		env   []string
		token string
		given bool
		fails bool
	}{
		"nothing":         {},
		"mode alone":      {env: []string{"RAY_AUTH_MODE=token"}},
		"no mode":         {env: []string{"RAY_AUTH_MODE=disabled", "RAY_AUTH_TOKEN=x"}, given: true},
		"value":           {env: []string{"RAY_AUTH_TOKEN=x", "RAY_AUTH_TOKEN_PATH=/nowhere"}, token: "x", given: true},
		"file":            {env: []string{"RAY_AUTH_MODE=Token", "RAY_AUTH_TOKEN_PATH=" + file}, token: "from file", given: true},
		"missing file":    {env: []string{"RAY_AUTH_TOKEN_PATH=/nowhere"}, given: true, fails: true},
		"empty variables": {env: []string{"RAY_AUTH_TOKEN=", "RAY_AUTH_TOKEN_PATH="}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			token, given, err := RayToken(test.env)
			if token != test.token || given != test.given || (err != nil) != test.fails {
				t.Errorf("RayToken() = %q, %t, %v", token, given, err)
			}
		})
	}
}
