package rendezvous

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
)

// recorded reads a greeting of version 1 as it went over the wire.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "v1", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all []byte
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text()[10:], "|")
		part, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
	return all
}

// TestLastVersionIsRefusedClearly has nodes of version 1 meet those of today,
// with the bytes that version 1 sent.
func TestLastVersionIsRefusedClearly(t *testing.T) {
	inBubble(t, "worker", func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		c := channel(t, p)
		if _, err := c.Write(recorded(t, "hello-worker.hex")); err != nil {
			t.Fatal(err)
		}
		// What version 1 does with the answer: it reads 12 bytes, and names
		// both versions if this is another one.
		theirs := make([]byte, prefixSize)
		if _, err := io.ReadFull(c, theirs); err != nil || !bytes.Equal(theirs, append([]byte(magic), 0, 2, 1, byte(otherVersion))) {
			t.Errorf("the head answers %x, error %v", theirs, err)
		}
		_ = c.Close()
		synctest.Wait()
		if !said(seen, "the head speaks version 2 of the protocol, the worker version 1") {
			t.Errorf("the head's log is %v", seen.All())
		}
		_ = h.Close()
	})
	inBubble(t, "head", func(t *testing.T) {
		p := newPipes()
		answering(t, p, func(c *tls.Conn) {
			_, _ = io.ReadFull(c, make([]byte, prefixSize))
			_, _ = c.Write(recorded(t, "hello-other-version.hex"))
		})
		_, err := Join(t.Context(), p.worker("b", "10.0.0.2"))
		if e := as[*RefusedError](t, err); !strings.Contains(e.Reason, "the head speaks version 1 of the protocol, the worker version 2") {
			t.Errorf("the worker is told %v", e)
		}
		_ = p.Close()
	})
}

// TestLastVersionsMessagesMeanTheSame reads the messages of version 1: versions
// are refused by the greeting, but within one a release has to understand an older
// one that sends no more than this, if only to refuse it by its name.
func TestLastVersionsMessagesMeanTheSame(t *testing.T) {
	files, err := filepath.Glob("testdata/v1/*.json")
	if err != nil || len(files) != 13 {
		t.Fatalf("%d messages, error %v", len(files), err)
	}
	for _, file := range files {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := decode(old)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		now, err := json.MarshalIndent(m, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if string(now)+"\n" != string(old) {
			t.Errorf("%s is understood as\n%s", file, now)
		}
	}
}

// corked is a channel that holds back what is written until it is uncorked.
func corked(t *testing.T, p *pipes) (c *tls.Conn, uncork func()) {
	t.Helper()
	conn := p.line(t, addr("10.0.0.66"))
	cork := &corkedConn{Conn: conn, open: true}
	c = tls.Client(cork, clientTLS())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	cork.open = false
	return c, func() {
		cork.open = true
		if _, err := conn.Write(cork.held); err != nil {
			t.Error(err)
		}
	}
}

type corkedConn struct {
	net.Conn
	open bool
	held []byte
}

func (c *corkedConn) Write(p []byte) (int, error) {
	if c.open {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func TestOtherVersionIsNamedOnBothEnds(t *testing.T) {
	want := []string{"version 2", "version 3"}
	inBubble(t, "head", func(t *testing.T) {
		p := newPipes()
		cfg := p.head(2)
		seen := logged(&cfg.Log)
		h := startHead(t, cfg)
		c, uncork := corked(t, p)
		_, _ = c.Write(hello{version: 3, mode: 7}.bytes())
		_, _ = c.Write(make([]byte, 8192)) // what version 2 knows nothing of
		uncork()
		synctest.Wait() // the head has answered, and would have hung up
		theirs, err := readHello(c)
		if err != nil || theirs.version != 2 || theirs.answer != otherVersion {
			t.Errorf("the head answers %+v, %v", theirs, err)
		}
		_ = c.Close()
		synctest.Wait()
		if !said(seen, append(want, "refused a node")...) {
			t.Errorf("the head's log lacks %q: %v", want, seen.All())
		}
		_ = h.Close()
	})
	inBubble(t, "worker", func(t *testing.T) {
		p := newPipes()
		answering(t, p, func(c *tls.Conn) {
			_, _ = io.ReadFull(c, make([]byte, helloSize))
			next := hello{version: 3, mode: 7, answer: otherVersion}
			_, _ = c.Write(append(next.bytes(), "more"...))
		})
		_, err := Join(t.Context(), p.worker("b", "10.0.0.2"))
		if e := as[*RefusedError](t, err); !containsAll(e.Reason, want) || !strings.Contains(e.Fix, "same syminit") {
			t.Errorf("the worker is told %v", e)
		}
		_ = p.Close()
	})
}
