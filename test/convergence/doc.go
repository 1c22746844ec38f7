// Package convergence holds the promise of SYMINIT_RESTARTS=unlimited with
// containers that their engine starts again: whatever is killed, frozen or cut
// off, the job runs again, and nothing of the run before is left.
//
// Five nodes of the shipped binary, each process 1 in namespaces of its own, run
// a job over a program that stands in for Ray; events are drawn from a seed:
//
//	go test ./test/convergence -events 50 -seed 7
//
// It needs root, ip and nsenter.
package convergence
