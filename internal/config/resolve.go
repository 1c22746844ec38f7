package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Resolve gives a value to what depends on other values (NODES is 1,
// MAX_NODES is NODES, a rank tells the role, END_MARGIN follows STOP_TIMEOUT),
// then checks the values
// against each other and refuses those that nothing carries out so far. It
// comes after the last Fill. Values that Load or Fill refused are left out, so
// that no error follows from another one; the error has one line for each
// problem.
func (c *Config) Resolve() error {
	var errs []error
	for _, check := range []func() []error{
		c.resolveSize, c.resolveRole, c.resolveMargin, c.checkSecret, c.checkPorts, c.checkRuntime, c.checkWaitAll,
	} {
		errs = append(errs, check()...)
	}
	return errors.Join(errs...)
}

// Warnings returns what is allowed but hardly meant, one line each, for the
// log. It is right after Resolve.
func (c *Config) Warnings() []string {
	var lines []string
	if secret := c.Token.Reveal(); secret != nil && guessable(string(secret)) {
		lines = append(lines, "the secret has fewer than 128 bits of randomness, so it can be guessed; make one with: openssl rand -hex 32")
	}
	if c.Insecure && c.Nodes > 1 {
		lines = append(lines, nameInsecure+"=true: whoever reaches port "+strconv.Itoa(int(c.Port))+" of the head can join and run code as this user")
	}
	if c.Nodes > 1 && c.Role == RoleAuto && loopback(c.Head) {
		lines = append(lines, nameHead+"="+c.Head+" means another host on each host: right only where all nodes share one host's network")
	}
	if c.EndMargin < c.StopTimeout {
		lines = append(lines, fmt.Sprintf("%s=%s is shorter than %s=%s: the scheduler may kill what is still ending", nameEndMargin, c.EndMargin, nameStopTimeout, c.StopTimeout))
	}
	return lines
}

func loopback(head string) bool {
	addr, err := netip.ParseAddr(head)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(strings.TrimSuffix(head, "."), "localhost")
}

func (c *Config) resolveSize() []error {
	if c.bad[nameNodes] || c.bad[nameMaxNodes] {
		return nil
	}
	var errs []error
	if !c.given(nameNodes) {
		// Each of these is set for several nodes only; taking 1 would start
		// the job on every host by itself.
		for _, name := range []string{nameHead, nameRole, nameRank, nameMaxNodes} {
			if c.given(name) && !c.bad[name] && c.settings[name].text != RoleAuto {
				errs = append(errs, missing(nameNodes, "not set, but "+name+" is", "set it to the number of nodes, on every node"))
				break
			}
		}
		c.Nodes = 1
		c.settings[nameNodes] = setting{text: "1", source: SourceDefault}
	}
	if !c.given(nameMaxNodes) {
		c.MaxNodes = c.Nodes
		c.settings[nameMaxNodes] = setting{text: strconv.Itoa(c.Nodes), source: SourceDefault}
	}
	if c.MaxNodes < c.Nodes {
		errs = append(errs, c.conflict(nameMaxNodes, "less than "+nameNodes+", which is "+strconv.Itoa(c.Nodes),
			strconv.Itoa(c.Nodes)+" or more", "raise it or unset it"))
	}
	return errs
}

func (c *Config) resolveRole() []error {
	if c.bad[nameRank] || c.bad[nameRole] {
		return nil
	}
	var errs []error
	if c.Rank >= 0 {
		byRank := RoleWorker
		if c.Rank == 0 {
			byRank = RoleHead
		}
		switch {
		case c.given(nameNodes) && c.MaxNodes > 0 && c.Rank >= c.MaxNodes:
			errs = append(errs, c.conflict(nameRank, fmt.Sprintf("there are at most %d nodes", c.MaxNodes),
				"0 to "+strconv.Itoa(c.MaxNodes-1), "correct it, or "+nameNodes))
		case c.Role == RoleAuto:
			c.Role = byRank
			c.settings[nameRole] = setting{text: byRank, source: nameRank}
		case c.Role != byRank:
			errs = append(errs, c.conflict(nameRole, "a node of rank "+strconv.Itoa(c.Rank)+" is the "+byRank,
				byRank, "unset "+nameRole+" or "+nameRank))
		}
	}
	if c.Nodes > 1 && c.Role != RoleHead && c.Head == "" && !c.bad[nameHead] {
		errs = append(errs, missing(nameHead, "not set, so this node can't know where the head is",
			"set it to the same host on every node, or "+nameRole+"=head if this is the head"))
	}
	return errs
}

// marginBeyondStop is what END_MARGIN is longer than STOP_TIMEOUT by default:
// the nodes' clocks, and a container engine, need a moment too.
const marginBeyondStop = 5 * time.Second

func (c *Config) resolveMargin() []error {
	if !c.given(nameEndMargin) && !c.bad[nameStopTimeout] {
		c.EndMargin = c.StopTimeout + marginBeyondStop
		c.settings[nameEndMargin] = setting{text: c.EndMargin.String(), source: SourceDefault}
	}
	return nil
}

func (c *Config) checkSecret() []error {
	if c.bad[nameToken] || c.bad[nameInsecure] {
		return nil
	}
	has := c.Token.Reveal() != nil
	switch {
	case has && c.Insecure:
		return []error{c.conflict(nameInsecure, "there is a secret all the same", "", "unset this or "+nameToken+" and "+nameTokenFile)}
	case c.Nodes > 1 && !has && !c.Insecure:
		return []error{missing(nameToken, "not set, and without a secret anybody could join",
			"make one with openssl rand -hex 32 and give it to every node in "+nameToken+" or "+nameTokenFile+
				"; in a network that you trust "+nameInsecure+"=true does without")}
	}
	return nil
}

func (c *Config) checkPorts() []error {
	ray := c.Runtime == RuntimeRay || c.Runtime == RuntimeAuto
	if c.Nodes < 2 || !ray || c.Port != c.RayPort || c.bad[namePort] || c.bad[nameRayPort] {
		return nil
	}
	name := namePort
	if !c.given(namePort) {
		name = nameRayPort
	}
	return []error{c.conflict(name, "the nodes' meeting point and Ray can't have the same port", "", "change "+namePort+" or "+nameRayPort)}
}

func (c *Config) checkRuntime() []error {
	if c.bad[nameRuntime] || c.Runtime == RuntimeAuto {
		return nil
	}
	errs := c.checkElastic(c.Runtime)
	if c.Runtime == RuntimeNone && c.Nodes > 1 {
		errs = append(errs, c.conflict(nameRuntime, "carries a job over one node, and "+nameNodes+" is "+strconv.Itoa(c.Nodes), "", "unset one of the two"))
	}
	return errs
}

// Suits returns what is wrong with the values where RUNTIME is auto and has
// turned out to be this one. It comes after Resolve.
func (c *Config) Suits(runtime string) error { return errors.Join(c.checkElastic(runtime)...) }

// checkElastic refuses what only Ray can do: nodes that go and come.
func (c *Config) checkElastic(runtime string) []error {
	if runtime == RuntimeRay {
		return nil
	}
	var errs []error
	reason := "needs Ray, and " + nameRuntime + " is " + runtime
	if c.OnLoss == OnLossIgnore && !c.bad[nameOnLoss] {
		errs = append(errs, c.conflict(nameOnLoss, reason, OnLossFail, "unset it, or set "+nameRuntime+"=ray"))
	}
	if c.MaxNodes > c.Nodes && !c.bad[nameMaxNodes] && !c.bad[nameNodes] {
		errs = append(errs, c.conflict(nameMaxNodes, "more than "+nameNodes+" "+reason, strconv.Itoa(c.Nodes), "unset it, or set "+nameRuntime+"=ray"))
	}
	return errs
}

// checkWaitAll refuses to wait for what never ends by itself.
func (c *Config) checkWaitAll() []error {
	if !c.WaitAll || c.bad[nameWaitAll] || c.Nodes < 2 && c.Runtime != RuntimeRay {
		return nil
	}
	return []error{c.conflict(nameWaitAll, "is for one node without Ray, which is always there", "false", "unset it")}
}

// missing is the problem of a variable that is needed and not set.
func missing(name, reason, next string) error {
	return &problem{name: name, accepted: row(name).accepted(), fault: fault{reason: reason, next: next}}
}

// conflict is the problem of a value that is fine by itself.
func (c *Config) conflict(name, reason, accepted, next string) error {
	s, ok := c.settings[name]
	if !ok {
		s.source = SourceDefault
	}
	return &problem{name: name, value: shown(name, s.text), source: s.source, accepted: accepted, fault: fault{reason: reason, next: next}}
}
