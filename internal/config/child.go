package config

import (
	"slices"
	"strings"
)

// ChildEnviron returns environ without the secret, for every process that
// isn't syminit itself. The other entries, valid or not, keep their bytes and
// their order; environ is left alone.
func ChildEnviron(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		return strings.HasPrefix(entry, nameToken+"=") || strings.HasPrefix(entry, nameTokenFile+"=")
	})
}
