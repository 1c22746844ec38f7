package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v10"

	"github.com/syminit/syminit/signals"
)

// Sources of values, as Values shows them. Fill brings others.
const (
	SourceEnvironment = "environment"
	SourceCommandLine = "command line"
	SourceDefault     = "default"
)

// Load reads the SYMINIT_ variables from environ, which has the form of
// os.Environ's result; where a name occurs twice the first holds, as for
// getenv(3). White space around a value doesn't count, and an empty value is
// an unset one.
//
// The Config is never nil. The error has one line for each wrong value and
// each unknown variable, so that Resolve's can be joined to it.
func Load(environ []string) (*Config, error) {
	c := &Config{Rank: -1, settings: map[string]setting{}, bad: map[string]bool{}}
	vars := prefixed(environ)
	errs := unknown(vars)
	errs = append(errs, c.apply(SourceEnvironment, vars)...)
	errs = append(errs, c.loadToken()...)
	return c, errors.Join(errs...)
}

// Fill gives values, by variable, that somebody other than the environment
// knows; source names them in Values and in errors: "slurm". A variable that
// is set already keeps its value. The values are checked like Load's. The
// secret is the environment's alone: no other source gives it.
func (c *Config) Fill(source string, vars map[string]string) error {
	if len(vars) == 0 {
		return nil
	}
	errs := unknown(vars)
	return errors.Join(append(errs, c.apply(source, vars)...)...)
}

// Twice refuses options of the command line, by variable, that the environment
// has too and with another value: neither is the obvious winner. It comes before
// Fill takes them.
func (c *Config) Twice(options map[string]string) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(options)) {
		s := c.settings[name]
		if option := options[name]; option != "" && s.source == SourceEnvironment && s.text != option {
			errs = append(errs, fmt.Errorf("%s is %q in the environment and %q on the command line; unset it, or make them the same", name, shown(name, s.text), shown(name, option)))
		}
	}
	return errors.Join(errs...)
}

// prefixed returns the variables of syminit's that have a value.
func prefixed(environ []string) map[string]string {
	vars := map[string]string{}
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if _, twice := vars[name]; ok && !twice && strings.HasPrefix(name, Prefix) {
			vars[name] = strings.TrimSpace(value)
		}
	}
	maps.DeleteFunc(vars, func(_, value string) bool { return value == "" })
	return vars
}

// unknown refuses names that mean nothing. Their values aren't shown: one of
// them may be the secret under a misspelt name.
func unknown(vars map[string]string) []error {
	var known []string
	for _, v := range variables() {
		known = append(known, v.name)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if slices.Contains(known, name) || slices.Contains(outputs, name) {
			continue
		}
		errs = append(errs, &problem{name: quoteName(name), fault: fault{
			reason: "no such setting, did you mean " + nearest(name, known) + "?",
			next:   "correct the name or remove it; syminit config lists all of them",
		}})
	}
	return errs
}

// apply parses vars into c, less those that are set already.
func (c *Config) apply(source string, vars map[string]string) []error {
	var fresh []*variable
	texts := map[string]string{}
	for _, v := range variables() {
		if c.given(v.name) {
			// The parser would put the default into a field that it is told
			// nothing about, so it is told again. The secret's two have none.
			if v.name != nameToken && v.name != nameTokenFile && !c.bad[v.name] {
				texts[v.name] = c.settings[v.name].text
			}
			continue
		}
		if value := v.normal(vars[v.name]); value != "" {
			texts[v.name] = value
			c.settings[v.name] = setting{text: kept(v.name, value), source: source}
			fresh = append(fresh, v)
		}
	}
	failed := c.parse(texts)
	var errs []error
	for _, v := range fresh {
		if f := c.faultIn(v, texts[v.name], failed[v.field]); f != nil {
			c.bad[v.name] = true
			errs = append(errs, v.problemOf(c.settings[v.name], *f))
		}
	}
	return errs
}

// faultIn returns what is wrong with v's value, given what the parser said.
func (c *Config) faultIn(v *variable, text string, parsing error) *fault {
	if parsing != nil {
		return v.unparsable(text, parsing)
	}
	if f := v.check(text, reflect.ValueOf(c).Elem().FieldByName(v.field).Interface()); f != nil {
		return f
	}
	return c.examine(v.name)
}

// parse fills c's fields from texts and defaults and returns what went wrong,
// by field.
func (c *Config) parse(texts map[string]string) map[string]error {
	err := env.ParseWithOptions(c, env.Options{
		Prefix:      Prefix,
		Environment: texts,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[signals.Rewrites](): func(s string) (any, error) { return signals.ParseRewrites(s) },
		},
	})
	all, _ := errors.AsType[env.AggregateError](err)
	failed := map[string]error{}
	for _, err := range all.Errors {
		if one, ok := errors.AsType[env.ParseError](err); ok { // which has no Unwrap
			failed[one.Name] = one.Err
		}
	}
	return failed
}

// loadToken reads the secret from its file, where there is one.
func (c *Config) loadToken() []error {
	switch {
	case c.TokenFile == "":
		return nil
	case c.given(nameToken):
		c.bad[nameToken] = true
		return []error{&problem{name: nameToken, fault: fault{
			reason: nameTokenFile + " is set too, and only one of them can hold",
			next:   "unset one of the two",
		}}}
	}
	token, f := readToken(c.TokenFile)
	if f != nil {
		c.bad[nameToken] = true
		p := &problem{name: nameTokenFile, value: shownPath(c.TokenFile), accepted: "the path of a readable file", fault: *f}
		if p.value == mask {
			p.next += " (the value isn't shown: without a leading / it may be the secret itself, which belongs into " + nameToken + ")"
		}
		return []error{p}
	}
	c.Token = token
	c.settings[nameToken] = setting{text: mask, source: nameTokenFile}
	return nil
}
