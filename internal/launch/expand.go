package launch

import "regexp"

// expand replaces $(NAME) in args by the value that env has for it, where NAME
// is one of vars, and $$(NAME) by the plain text $(NAME). As in a Kubernetes
// container's args any other $(…) stays as it is, so that a shell's own
// substitution passes; other than there, so does any other $$.
func expand(args []string, vars []variable, env environ) []string {
	values := make(map[string]string, len(vars))
	for _, v := range vars {
		values[v.name], _ = env.lookup(v.name)
	}
	// A dollar sign that escapes, if any, and the name.
	reference := regexp.MustCompile(`(\$?)\$\(([A-Z_]+)\)`)
	expanded := make([]string, len(args))
	for i, arg := range args {
		expanded[i] = reference.ReplaceAllStringFunc(arg, func(found string) string {
			part := reference.FindStringSubmatch(found)
			value, known := values[part[2]]
			switch {
			case !known:
				return found
			case part[1] != "":
				return found[1:]
			}
			return value
		})
	}
	return expanded
}
