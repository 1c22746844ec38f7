package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/syminit/syminit/internal/config"
)

// FuzzMaskSecrets puts a secret where people write one, with anything around it:
// it is never shown.
func FuzzMaskSecrets(f *testing.F) {
	f.Add("vllm\x00serve\x00m", "--port\x001", "", "user", "otlp")
	f.Add("sh\x00-c", "x", " with blanks", "", "a")
	f.Add("env\x00A='b", "c'\x00--x", "/x?y#z@", "u.1", "k\"v")
	f.Add("-H\x00Authorization: Bearer", "https://h/x?a=b", "\\\"", "a-b", "x=1&y")
	f.Add("--env=A=b\x00--auth-type\x00basic", "--", "\n\t", "%40", "{}")
	f.Add("x://", "b", "", "u", `"token":`)
	f.Add("--x=", "b", " a=b\nc --d", "u", `{"token":"x", "keys": [`)
	f.Add("sh\x00-c\x00A_KEY='", "b", " -c' -d", "", "?sig=")
	f.Add("a", "b", "\"]}", "", "'pass': ")
	f.Add("a", "b", "\\", "", "\\\"auth\\\":")
	const marker = "S3CRET"
	f.Fuzz(func(t *testing.T, before, after, rest, user, other string) {
		if strings.Contains(before+after+rest+user+other, marker) {
			return
		}
		secret := marker + rest
		entries, err := json.Marshal(map[string]any{"a": other, "extra": map[string]any{"a": other, "api_key": secret, "b": other}, "n": []any{1, other}})
		if err != nil {
			t.Fatal(err)
		}
		host := without(user, ":/?#[]@") + ":" + without(secret, "") + "@host:6379/0"
		for _, words := range [][]string{
			{"--api-key", secret},
			{"--api-key=" + secret},
			{"--hf_tok", secret},
			{"HF_TOKEN=" + secret},
			{"redis://" + host},
			{"--url=redis://" + host},
			{"--x", `{"url":"redis://` + host + `"}`},
			{"sh", "-c", other + " --api-key " + marker + "; " + other},
			{"bash", "-c", "export HF_TOKEN=" + without(secret, "") + " " + other},
			{"-H", "Authorization: Bearer " + secret},
			{"curl -H 'Authorization: Bearer " + marker + "' " + other},
			{"--kv-transfer-config", string(entries)},
			{"--kv-transfer-config=" + string(entries)},
		} {
			args := append(strings.Split(before, "\x00"), words...)
			args = append(args, strings.Split(after, "\x00")...)
			if shown := config.MaskSecrets(args); strings.Contains(strings.Join(shown, "\x00"), marker) {
				t.Errorf("%q is shown as %q", args, shown)
			}
		}
	})
}

// without is a text less what can't be in a URL's user and password, and these.
func without(text, chars string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || strings.ContainsRune(chars+`"'`, r) {
			return -1
		}
		return r
	}, text)
}
