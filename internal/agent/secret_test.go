package agent

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSecretOfAKilledAgent: the next one removes it, and no other's.
func TestSecretOfAKilledAgent(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	left := filepath.Join(os.TempDir(), secretFolder+"1", secretFile)
	if err := os.Mkdir(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(os.TempDir(), secretFolder+"2") // killed before it wrote
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	first, removeFirst, err := writeSecret("first")
	if err != nil {
		t.Fatal(err)
	}
	second, removeSecond, err := writeSecret("second")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{first, second}
	slices.Sort(want)
	if got, _ := filepath.Glob(filepath.Join(os.TempDir(), "*", "*")); !slices.Equal(got, want) {
		t.Errorf("there are %v, want %v", got, want)
	}
	if _, err := os.Stat(empty); err == nil {
		t.Error("an empty folder is left")
	}
	removeFirst()
	removeSecond()
	if got, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); got != nil {
		t.Errorf("left: %v", got)
	}
}
