package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/syminit/syminit/internal/logging"
)

func TestConsole(t *testing.T) {
	var out bytes.Buffer
	log := logging.New(logging.Config{Out: &out})
	log.Debug("not shown")
	log.Info("2/3 nodes are here", zap.String("missing", "worker 2"), zap.Duration("for", 3*time.Second), zap.Error(errors.New("refused")))
	got := strings.TrimSpace(out.String())
	want := `INFO syminit: 2/3 nodes are here missing="worker 2" for=3s error=refused`
	if !strings.HasSuffix(got, want) || strings.Contains(got, "not shown") {
		t.Errorf("got %q, want it to end with %q", got, want)
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	logging.New(logging.Config{Out: &out, JSON: true, Level: "debug"}).Debug("hello", zap.Int("code", 3))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("not JSON: %v: %s", err, out.String())
	}
	if line["msg"] != "hello" || line["code"] != 3.0 || line["level"] != "debug" {
		t.Errorf("got %v", line)
	}
}

func TestUnknownLevelIsInfo(t *testing.T) {
	var out bytes.Buffer
	log := logging.New(logging.Config{Out: &out, Level: "loud"})
	log.Debug("no")
	log.Info("yes")
	if got := out.String(); strings.Contains(got, "no\n") || !strings.Contains(got, "yes") {
		t.Errorf("got %q", got)
	}
}
