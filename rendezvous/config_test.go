package rendezvous

import (
	"strings"
	"testing"
)

func TestWrongConfigurations(t *testing.T) {
	p := newPipes()
	for name, change := range map[string]func(*HeadConfig){
		"no listener":         func(c *HeadConfig) { c.Listener = nil },
		"secret is empty":     func(c *HeadConfig) { c.Secret = []byte{} },
		"0 nodes":             func(c *HeadConfig) { c.Nodes = 0 },
		"6001 nodes":          func(c *HeadConfig) { c.Nodes = 6001 },
		"lost after 0s":       func(c *HeadConfig) { c.LostAfter = 0 },
		"head's rank is 1":    func(c *HeadConfig) { c.Self.Rank = 1 },
		"payload is not JSON": func(c *HeadConfig) { c.Payload = []byte("{") },
		"payload of":          func(c *HeadConfig) { c.Payload = make([]byte, maxPayload+1) },
		`node name ""`:        func(c *HeadConfig) { c.Self.Name = "" },
		`node name "a b"`:     func(c *HeadConfig) { c.Self.Name = "a b" },
		"64 printable":        func(c *HeadConfig) { c.Self.Name = strings.Repeat("x", 65) },
		"values to match":     func(c *HeadConfig) { c.Self.Match = make([]Match, maxMatches+1) },
	} {
		cfg := p.head(2)
		change(&cfg)
		if h, err := NewHead(cfg); err == nil {
			t.Errorf("a head with %s", name)
			_ = h.Close()
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for name, change := range map[string]func(*WorkerConfig){
		"nothing to dial":  func(c *WorkerConfig) { c.Dial = nil },
		"secret is empty":  func(c *WorkerConfig) { c.Secret = []byte{} },
		"rank -2":          func(c *WorkerConfig) { c.Self.Rank = -2 },
		`node name "a\tb"`: func(c *WorkerConfig) { c.Self.Name = "a\tb" },
	} {
		cfg := p.worker("b", "10.0.0.2")
		change(&cfg)
		if _, err := Join(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestListenerThatCannotBeKeptOpen(t *testing.T) {
	cfg := newPipes().keptOpen(2)
	cfg.Listener = &flaky{Listener: cfg.Listener}
	if h, err := NewHead(cfg); err == nil {
		t.Error("a head whose port would be lost with it")
		_ = h.Close()
	}
}
