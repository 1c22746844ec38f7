package config_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

// FuzzLoad: no environment makes Load, Fill or Resolve panic or show the
// secret, every error line names a variable, and the values are JSON.
func FuzzLoad(f *testing.F) {
	f.Add("SYMINIT_NODES=2\x00SYMINIT_HEAD=n1\x00SYMINIT_PORT=x", "RANK", "1")
	f.Add("SYMINIT_HEAD=[::1]:1\x00SYMINIT_=1\x00=\x00SYMINIT_INSECURE=true", "HAED", "n1")
	f.Add("SYMINIT_RAY_START_ARGS='\x00SYMINIT_PROPAGATE=[\x00SYMINIT_STATUS_ADDR=:", "NODES", "-")
	for _, w := range wrong {
		if w.name != "TOKEN_FILE" {
			f.Add("SYMINIT_"+w.name+"="+w.value+"\x00SYMINIT_NODES=2", w.name, every[w.name])
		}
	}
	f.Fuzz(func(t *testing.T, joined, name, value string) {
		env := strings.Split(joined, "\x00")
		for _, entry := range append(env, "SYMINIT_"+name) {
			if strings.HasPrefix(entry, "SYMINIT_TOKEN_FILE") {
				return // would open any file of the machine's
			}
		}
		name = "SYMINIT_" + name
		sum := sha256.Sum256([]byte(joined))
		secret := hex.EncodeToString(sum[:])
		c, err := config.Load(append([]string{"SYMINIT_TOKEN=" + secret}, env...))
		err = errors.Join(err, c.Fill("fuzz", map[string]string{name: value}), c.Resolve())
		for _, line := range lines(err) {
			if !strings.HasPrefix(strings.TrimPrefix(line, `"`), "SYMINIT_") {
				t.Errorf("no variable in %q", line)
			}
			if leaks(line, secret) {
				t.Errorf("the secret is in %q", line)
			}
		}
		data, err := json.Marshal(c.Values())
		if err != nil || !json.Valid(data) {
			t.Errorf("%s, %v", data, err)
		}
		for _, text := range []string{string(data), c.Values().String(), strings.Join(c.Warnings(), "\n"), fmt.Sprintf("%+v", c)} {
			if leaks(text, secret) {
				t.Errorf("the secret is in %s", text)
			}
		}
		if string(c.Token.Reveal()) != secret {
			t.Errorf("the secret became %q", c.Token.Reveal())
		}
	})
}
