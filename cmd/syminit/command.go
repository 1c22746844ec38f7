package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// usage is what --help prints.
const usage = `syminit starts one command over several containers and ends them together.

Usage:
  syminit [--] COMMAND [ARGUMENT ...]     run COMMAND; the same line on every host
  syminit symmetric-run --address HOST:PORT [--min-nodes N] [ray start options] -- COMMAND ...
                                          the line from Ray's documents
  syminit doctor [-- COMMAND ...]         look at this node, join nothing, and say
                                          what would get in a run's way
  syminit config [--json]                 show every setting and where it came from
  syminit status                          show the run in this container, on this node
  syminit health                          exit 0 if that run is ready, 1 if not (for HEALTHCHECK)
  syminit version | --version
  syminit --help

Settings are environment variables: on every host
  SYMINIT_HEAD=host-a     the name or address of one of the hosts
  SYMINIT_NODES=2         how many hosts take part
  SYMINIT_TOKEN=...       the same secret everywhere: openssl rand -hex 32
syminit config lists them all.

Exit codes: the command's own (128+n when signal n ended it), on every host;
64 wrong configuration, 69 nodes missing or lost, 70 internal error,
75 the runtime (Ray) did not start, 77 refused by the other node,
126 command not executable, 127 command not found.
`

// A verb is what this process was asked to do.
type verb int

const (
	verbRun verb = iota
	verbSymmetricRun
	verbConfig
	verbVersion
	verbHelp
	verbStatus
	verbHealth
	verbDoctor
)

// subcommands are names only as the first word, before any "--".
var subcommands = map[string]verb{
	"symmetric-run": verbSymmetricRun,
	"config":        verbConfig,
	"version":       verbVersion,
	"--version":     verbVersion,
	"--help":        verbHelp,
	"-h":            verbHelp,
	"status":        verbStatus,
	"health":        verbHealth,
	"doctor":        verbDoctor,
}

// A command is the parsed command line.
type command struct {
	verb  verb
	args  []string          // run, doctor: the job; config: its options
	env   map[string]string // settings that symmetric-run's options stand for
	twice bool              // the program's name was there once more
}

// parse reads the command line without the program's name. A command that is
// syminit again, which an image has in its ENTRYPOINT and people repeat, is that
// command line: as a job it would be a second one, which lacks the secret and whose
// doctor finds the first.
func parse(args []string) (command, error) {
	cmd, err := parseOnce(args)
	if err != nil || cmd.verb != verbRun || filepath.Base(cmd.args[0]) != "syminit" {
		return cmd, err
	}
	cmd, err = parse(cmd.args[1:])
	cmd.twice = true
	return cmd, err
}

func parseOnce(args []string) (command, error) {
	if len(args) == 0 {
		return command{}, errors.New("no command given")
	}
	if v, ok := subcommands[args[0]]; ok {
		return parseSubcommand(v, args)
	}
	if args[0] == "--" {
		args = args[1:]
	} else if strings.HasPrefix(args[0], "-") {
		return command{}, fmt.Errorf("unknown option %s: settings are environment variables, and a command that starts with '-' goes behind '--'", args[0])
	}
	if len(args) == 0 {
		return command{}, errors.New("no command given behind '--'")
	}
	return command{verb: verbRun, args: args}, nil
}

func parseSubcommand(v verb, args []string) (command, error) {
	name, rest := args[0], args[1:]
	switch v {
	case verbSymmetricRun:
		return parseSymmetricRun(rest)
	case verbConfig:
		if len(rest) > 0 && !slices.Equal(rest, []string{"--json"}) {
			return command{}, fmt.Errorf("%s takes --json or nothing, got %q; to run a command of that name write: syminit -- %s", name, rest, strings.Join(args, " "))
		}
		return command{verb: v, args: rest}, nil
	case verbDoctor:
		if len(rest) > 0 && rest[0] != "--" {
			return command{}, fmt.Errorf("%s takes nothing, or '--' and the job's command, got %q; to run a command of that name write: syminit -- %s", name, rest, strings.Join(args, " "))
		}
		return command{verb: v, args: rest[min(len(rest), 1):]}, nil
	default:
		if len(rest) > 0 {
			return command{}, fmt.Errorf("%s takes no arguments, got %q; to run a command of that name write: syminit -- %s", name, rest, strings.Join(args, " "))
		}
		return command{verb: v}, nil
	}
}
