package launch

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reference finds $(NAME): a dollar sign that escapes, if any, and the name.
func reference() *regexp.Regexp { return regexp.MustCompile(`(\$?)\$\(([A-Za-z_][A-Za-z0-9_]*)\)`) }

// expand replaces $(NAME) in args by the value that env has for it, where NAME
// is one of vars, and $$(NAME) by the plain text $(NAME). As in a Kubernetes
// container's args any other $(…) stays as it is, so that a shell's own
// substitution passes; other than there, so does any other $$.
func expand(args []string, vars []variable, env environ) []string {
	values := make(map[string]string, len(vars))
	for _, v := range vars {
		values[v.name], _ = env.lookup(v.name)
	}
	find := reference()
	expanded := make([]string, len(args))
	for i, arg := range args {
		expanded[i] = find.ReplaceAllStringFunc(arg, func(found string) string {
			part := find.FindStringSubmatch(found)
			value, known := values[part[2]]
			switch {
			case part[1] != "" && (known || ours(part[2])):
				return found[1:]
			case !known:
				return found
			}
			return value
		})
	}
	return expanded
}

// sized is a command before it runs with $(SYMINIT_NODES) replaced: how its server is
// spread is known from it.
func sized(command []string, nodes int) []string {
	known := variable{nodeCount, strconv.Itoa(nodes)}
	return expand(command, []variable{known}, environ{}.with(known))
}

// CheckReferences refuses a $(SYMINIT_…) that nothing would replace, a setting's name
// or a misspelt one: the command would go on with that text for an address.
func CheckReferences(command []string) error {
	names := []string{nodeRank, nodeCount, headIP, nodeIP, nodeIPs}
	for _, name := range references(command) {
		if ours(name) && !slices.Contains(names, name) {
			return fmt.Errorf("the command has $(%s), and syminit replaces %s only; for that very text write $$(%s)", name, strings.Join(names, ", "), name)
		}
	}
	return nil
}

// references are the names in args that are to be replaced.
func references(args []string) (names []string) {
	find := reference()
	for _, arg := range args {
		for _, part := range find.FindAllStringSubmatch(arg, -1) {
			if part[1] == "" {
				names = append(names, part[2])
			}
		}
	}
	return names
}

func ours(name string) bool { return strings.HasPrefix(name, "SYMINIT_") }
