package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/syminit/syminit/internal/launch"
	"github.com/syminit/syminit/rendezvous"
)

// Exit codes of syminit's own failures. The values are sysexits.h's where it
// has one that fits (EX_USAGE, EX_UNAVAILABLE, EX_SOFTWARE, EX_TEMPFAIL,
// EX_NOPERM).
const (
	CodeConfig   = 64 // wrong configuration
	CodeLost     = 69 // nodes missing or lost
	CodeInternal = 70 // syminit itself failed
	CodeRuntime  = 75 // the runtime did not start
	CodeRefused  = 77 // another node refused this one
)

// A failure is an error that knows its exit code and the last lines of the
// process that caused it.
type failure struct {
	code int
	err  error
	tail []string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failf(code int, format string, args ...any) *failure {
	return &failure{code: code, err: fmt.Errorf(format, args...)}
}

// A verdict ends the run from outside the flow: it is the cause with which the
// run's context is cancelled.
type verdict struct{ outcome rendezvous.Outcome }

func (v *verdict) Error() string { return v.outcome.Cause }

// ended returns the verdict that cancelled ctx, if one did.
func ended(ctx context.Context) (rendezvous.Outcome, bool) {
	if v, ok := errors.AsType[*verdict](context.Cause(ctx)); ok {
		return v.outcome, true
	}
	return rendezvous.Outcome{}, false
}

// outcomeOf turns the error that a step of the flow ended with into the run's
// outcome, as seen from this node. A verdict on the run wins over err, which
// is then only its consequence.
func (n *node) outcomeOf(err error) rendezvous.Outcome {
	if o, ok := ended(n.life); ok {
		return o
	}
	if over, ok := errors.AsType[*rendezvous.EndedError](err); ok {
		return over.Outcome
	}
	o := n.outcome(CodeInternal, err.Error())
	var (
		own         *failure
		refused     *rendezvous.RefusedError
		missing     *rendezvous.MissingError
		unreachable *rendezvous.UnreachableError
		lost        *rendezvous.LostError
		exec        *launch.ExecError
	)
	switch {
	case errors.As(err, &own):
		o.Code, o.Tail = own.code, own.tail
	case errors.As(err, &refused):
		o.Code = CodeRefused
	case errors.As(err, &exec):
		o.Code = exec.Code
	case errors.As(err, &lost):
		o.Code, o.Rank, o.Node = CodeLost, lost.Node.Rank, lost.Node.Name
	case errors.As(err, &missing), errors.As(err, &unreachable):
		o.Code = CodeLost
	}
	return o
}
