package conformance

import (
	"fmt"
	"os"
	"strings"
)

// Insert replaces what is between a file's markers of a name,
// <!-- name:begin --> and <!-- name:end -->.
func Insert(file, name, text string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->\n"
	before, rest, ok1 := strings.Cut(string(b), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+text+end+after), 0o600) // it is there, and keeps its mode
}
