package logging

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// A pipe that nobody reads takes what it has room for, and holds nobody up; when
// somebody reads again, lines arrive again.
func TestPipeThatNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	patient := NewPatient(w)
	line := append(bytes.Repeat([]byte("x"), 5000), '\n')
	for range 100 { // 500 kB; a pipe holds 64 KiB
		if n, err := patient.Write(line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := io.ReadFull(r, make([]byte, 16<<10)); err != nil {
		t.Fatal(err)
	}
	if _, err := patient.Write([]byte("again\n")); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	rest, err := io.ReadAll(r)
	if err != nil || !bytes.HasSuffix(rest, []byte("again\n")) {
		t.Errorf("the last line did not arrive: %d bytes, %v", len(rest), err)
	}
}
