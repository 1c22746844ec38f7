package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestMain is also what the programs in containers begin with, by their names.
func TestMain(m *testing.M) {
	play, ok := programs()[filepath.Base(os.Args[0])]
	if !ok {
		os.Exit(m.Run())
	}
	if err := play(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
