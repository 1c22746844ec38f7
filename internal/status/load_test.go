package status

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// writes makes TestReadUnderLoad the process that is read.
const writes = "STATUS_TEST_WRITES"

// TestReadUnderLoad reads the state of a process that changes it without end, on
// a machine that has much else to do: each time it is a whole one. It has changed
// while it was read: that the other process had a CPU meanwhile is waited for.
func TestReadUnderLoad(t *testing.T) {
	if os.Getenv(writes) != "" {
		writeAlways(newBoard(t, time.Now))
	}
	writer := exec.Command(os.Args[0], "-test.run=^TestReadUnderLoad$")
	writer.Env = append(os.Environ(), writes+"=1", "GOMAXPROCS=1")
	stdin, err := writer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	load := []*exec.Cmd{writer}
	for range 12 {
		load = append(load, exec.Command("sh", "-c", "while :; do :; done"))
	}
	for _, cmd := range load {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	}
	defer func() { _ = stdin.Close() }()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(line, err)
	}
	seen := map[string]bool{}
	for n := 0; n < 300 || len(seen) < 2; n++ {
		s := read(writer.Process.Pid)
		if s.Version != "v1" || s.Waiting != strings.Repeat(s.Waiting[:min(1, len(s.Waiting))], 20000) {
			t.Fatalf("not a whole state: %.200s", fmt.Sprintf("%+v", s))
		}
		seen[s.Waiting[:1]] = true
	}
}

// writeAlways changes the state until the process that reads it is gone.
func writeAlways(b *Board) {
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	for i := 0; ; i++ {
		b.Wait(strings.Repeat(string(rune('a'+i%20)), 20000))
		if i == 0 {
			fmt.Println("written")
		}
	}
}
