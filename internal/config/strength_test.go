package config

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestGuessable(t *testing.T) {
	for _, weak := range []string{
		"hunter2", "password", "changeme-changeme-changeme", strings.Repeat("a", 64), strings.Repeat("ab", 32),
		strings.Repeat("0123456789abcdef", 4), "abcdefghijklmnopqrstuvwxyz0123456789", "correct horse battery staple",
		"correct-horse-battery-staple-again", "My.Very.Long.Company.Name.Production", "deadbeefdeadbeefdeadbeefdeadbeef",
		"20261126", "qwertyuiopqwertyuiopqwertyuiop", "1f0c9a77b2e4", "tok-prod-1",
	} {
		if !guessable(weak) {
			t.Errorf("%q counts as random", weak)
		}
	}
	// Random, with a part that is there twice by chance and no digit.
	if strong := "AEOKSUODYLFDJIIIBKXMUAEUFDJINZ"; guessable(strong) {
		t.Errorf("%q counts as guessable", strong)
	}
	// The same secrets every time: chance has some that look like worse ones.
	random := rand.NewChaCha8([32]byte{})
	for range 20_000 {
		raw := make([]byte, 32)
		_, _ = random.Read(raw)
		for _, strong := range []string{
			hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw),
			base64.RawURLEncoding.EncodeToString(raw[:24]), base32.StdEncoding.EncodeToString(raw)[:30],
		} {
			if guessable(strong) {
				t.Errorf("%q counts as guessable", strong)
			}
		}
	}
}

func FuzzGuessable(f *testing.F) {
	f.Add("hunter2")
	f.Add("correct horse battery staple")
	f.Fuzz(func(t *testing.T, secret string) {
		if len(secret) < 16 && !guessable(secret) { // a byte has 8 bits
			t.Errorf("%q counts as random", secret)
		}
		// What goes on after its end can only make more of its last three, which
		// were too few to count as a repetition or a run.
		if once, twice := fresh(secret), fresh(secret+secret); twice < once-2 {
			t.Errorf("%q has %d fresh characters, and %d when it is there twice", secret, once, twice)
		}
	})
}
