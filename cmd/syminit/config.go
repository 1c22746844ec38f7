package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/syminit/syminit/internal/agent"
	"github.com/syminit/syminit/internal/cluster"
	"github.com/syminit/syminit/internal/config"
)

// load reads the settings and checks them against each other. What neither the
// environment nor the command line gives a scheduler may tell. All problems come in
// one error, a line each.
func load(environ []string, cmd command) (*config.Config, cluster.Facts, error) {
	cfg, err := config.Load(environ)
	err = errors.Join(err, cfg.Twice(cmd.env), cfg.Fill(config.SourceCommandLine, cmd.env))
	facts, placing := agent.Place(cfg, environ, cmd.args)
	if placing != nil {
		// What depends on these facts would only be wrong in consequence.
		return cfg, facts, errors.Join(err, placing)
	}
	return cfg, facts, errors.Join(err, cfg.Resolve())
}

// showConfig prints every setting and where it came from, as JSON if asked to.
func showConfig(environ []string, asJSON bool, stdout, stderr *os.File) int {
	cfg, _, err := load(environ, command{})
	text := cfg.Values().String()
	if asJSON {
		data, jsonErr := json.MarshalIndent(cfg.Values(), "", "  ")
		text, err = string(data)+"\n", errors.Join(err, jsonErr)
	}
	code := write(stdout, text)
	if err != nil {
		fmt.Fprintf(stderr, "syminit: %v\n", err)
		return agent.CodeConfig
	}
	return code
}
