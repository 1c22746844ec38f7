// Package config turns the environment into one typed Config.
//
// Every setting is a SYMINIT_ variable, and the fields of Config with their
// tags are the one table of them: names, defaults, accepted values, the text
// of errors and the table in the README all come from there.
//
// The work is split so that every error can be told at once:
//
//	c, err := config.Load(environ)            // what the environment says
//	err = errors.Join(err, c.Fill("slurm", …)) // what somebody else knows
//	err = errors.Join(err, c.Resolve())        // what depends on several values
//
// The package must not know schedulers, networks or runtimes: it reads no
// variable without the prefix, resolves no name and starts nothing. The one
// file that it opens is the secret's.
package config
