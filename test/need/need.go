// Package need ends tests that can't be done on every machine: for want of root,
// Docker, IPv6.
package need

import (
	"os"
	"testing"
)

// required says that nothing may be skipped, as in CI.
var required = os.Getenv("SYMINIT_TEST_REQUIRE") != ""

// Missing ends a test for what this machine lacks: as skipped, or as failed where
// SYMINIT_TEST_REQUIRE is set.
func Missing(t testing.TB, why string, args ...any) {
	t.Helper()
	if required {
		t.Fatalf(why, args...)
	}
	t.Skipf(why, args...) //nolint:forbidigo // everyone else's way to skip is this
}
