package config_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/syminit/syminit/internal/config"
)

// leaks reports whether text shows the secret, be it as text, in hex or as a
// list of bytes.
func leaks(text, secret string) bool {
	bytesOf := strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]")
	for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), bytesOf} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// shownForms is c as everything that could show it does.
func shownForms(c *config.Config) map[string]string {
	type wrapped struct{ hidden config.Token } // fmt can't call methods in here
	forms := map[string]string{"values": c.Values().String(), "warnings": strings.Join(c.Warnings(), "\n")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		forms["token as "+verb] = fmt.Sprintf(verb, c.Token)
		forms["pointer as "+verb] = fmt.Sprintf(verb, &c.Token)
		forms["config as "+verb] = fmt.Sprintf(verb, c)
		forms["unexported as "+verb] = fmt.Sprintf(verb, wrapped{c.Token})
	}
	for name, v := range map[string]any{"config": c, "token": c.Token, "values": c.Values()} {
		data, err := json.Marshal(v)
		forms[name+" as JSON"] = string(data) + fmt.Sprint(err)
		var log bytes.Buffer
		for _, enc := range []zapcore.Encoder{zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.NewConsoleEncoder(zapcore.EncoderConfig{})} {
			zap.New(zapcore.NewCore(enc, zapcore.AddSync(&log), zap.DebugLevel)).Info("x", zap.Any("v", v), zap.Reflect("w", v))
		}
		forms[name+" in a log"] = log.String()
	}
	return forms
}

func TestSecretIsNeverShown(t *testing.T) {
	c, err := config.Load(environ(with()))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range shownForms(c) {
		if leaks(text, secret) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if got := fmt.Sprintf("%v %#v %x", c.Token, c.Token, c.Token); got != "*** *** ***" {
		t.Errorf("a set token is shown as %q", got)
	}
	if !leaks(fmt.Sprintf("%d", c.Token.Reveal()), secret) || !leaks(fmt.Sprintf("%x", c.Token.Reveal()), secret) {
		t.Error("this test sees no leak where there is one")
	}
}

func TestSecretInTheWrongVariable(t *testing.T) {
	for _, name := range []string{"TOKEN_FILE", "TOKN", "SECRET", "TOKEN_FIEL"} {
		c, err := config.Load(environ(map[string]string{name: secret}))
		if err == nil || leaks(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
		if text := c.Values().String(); leaks(text, secret) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestUnsetToken(t *testing.T) {
	var token config.Token
	if token.Reveal() != nil || token.String() != "" {
		t.Errorf("got %q, shown as %q", token.Reveal(), token)
	}
}

func TestRevealedIsACopy(t *testing.T) {
	c, err := config.Load(environ(with()))
	if err != nil {
		t.Fatal(err)
	}
	clear(c.Token.Reveal())
	if got := string(c.Token.Reveal()); got != secret {
		t.Errorf("got %q", got)
	}
}
