// Package conformance asks of a container's init, from outside, what a job
// needs of it. Every case runs twice: with the init as process 1 of a PID
// namespace of its own, and as any other process that makes itself a child
// subreaper.
//
// An init is a command line, so tini, dumb-init and catatonit are asked the same:
//
//	go test ./test/conformance                        syminit, and nothing may fail
//	go run ./test/conformance/table -write docs/init.md    all of them, side by side
//
// The tests build syminit; SYMINIT_TEST_BINARY names a binary in its place.
//
// Three processes stand between a case and the job:
//
//	suite ──▶ front ──▶ enter = init ──▶ job
//
// front holds the terminal and tells how the init ended; as the parent of an
// init that is no process 1 it is process 1 itself, so that nothing outlives a
// case. enter makes the world that the init is started in (masks, limits, dead
// children) and executes the init. Both are this program, executed again. The
// jobs are sh, cat and Python: what a Go program finds is not what it was given,
// since its runtime changes masks, dispositions and limits before main.
package conformance
