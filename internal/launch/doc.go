// Package launch turns what the nodes of a run have agreed on into the
// commands that one of them runs, and runs them.
//
// A Plan is plain data: NewPlan computes it from a Spec and touches nothing.
// Start, and the questions to Ray's GCS in this package, carry it out.
//
// The package must not know how the nodes agreed, nor what the end of a
// process means for the run.
package launch
