package convergence

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestMain plays, by the name that it is called by, the programs in a node.
func TestMain(m *testing.M) {
	play := map[string]func([]string) error{"ray": ray, "raylet": raylet, "job": job, "stray": stray}
	part, ok := play[filepath.Base(os.Args[0])]
	if !ok {
		os.Exit(m.Run())
	}
	if err := part(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
