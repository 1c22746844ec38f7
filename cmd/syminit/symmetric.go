package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// parseSymmetricRun turns the arguments of "ray symmetric-run" into a run of
// syminit's own: --address and --min-nodes become settings, what is left before
// "--" goes to ray start. Like Ray's, it wants the separator, takes
// --min-nodes as 1 when it isn't given, and refuses the options of ray start
// that it sets itself (Ray 2.60, ray/scripts/symmetric_run.py).
func parseSymmetricRun(args []string) (command, error) {
	sep := slices.Index(args, "--")
	if sep < 0 {
		return command{}, errors.New("symmetric-run needs '--' between its options and the command")
	}
	job := args[sep+1:]
	if len(job) == 0 {
		return command{}, errors.New("symmetric-run needs a command behind '--'")
	}
	opts := args[:sep]
	address, _, opts, err := takeOption(opts, "--address")
	if err != nil {
		return command{}, err
	}
	nodes, given, opts, err := takeOption(opts, "--min-nodes")
	if err != nil {
		return command{}, err
	}
	if !given {
		nodes = "1"
	}
	if n, err := strconv.Atoi(nodes); err != nil || n < 1 {
		return command{}, fmt.Errorf("symmetric-run: --min-nodes %q is not a whole number from 1 up", nodes)
	}
	if address == "" {
		return command{}, errors.New("symmetric-run needs --address HOST:PORT, the head's address and Ray's port there")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return command{}, fmt.Errorf("symmetric-run: --address %q is not HOST:PORT (an IPv6 address goes in brackets)", address)
	}
	return command{verb: verbSymmetricRun, args: job, env: map[string]string{
		"SYMINIT_RUNTIME":        "ray",
		"SYMINIT_HEAD":           host,
		"SYMINIT_RAY_PORT":       port,
		"SYMINIT_NODES":          nodes,
		"SYMINIT_RAY_START_ARGS": quoteWords(opts),
	}}, nil
}

// takeOption returns the value of the last "name value" or "name=value" in
// args, whether there is one, and args without them.
func takeOption(args []string, name string) (value string, given bool, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		switch v, inline := strings.CutPrefix(args[i], name+"="); {
		case inline:
			value, given = v, true
		case args[i] != name:
			rest = append(rest, args[i])
		case i+1 == len(args):
			return "", false, nil, fmt.Errorf("symmetric-run: %s needs a value", name)
		default:
			i++
			value, given = args[i], true
		}
	}
	return value, given, rest, nil
}

// plainInShell needs no quotes: quoteWords leaves it as a person would write it
// in SYMINIT_RAY_START_ARGS, so that the same there and here is the same.
const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,:/@%"

// quoteWords joins words so that a shell, and SYMINIT_RAY_START_ARGS, splits
// them again at the same places.
func quoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.Trim(w, plainInShell) != "" {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
