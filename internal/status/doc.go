// Package status shows what one node knows of its run: to `syminit health` and
// `syminit status` in the same container, and over HTTP where a port is asked
// for.
//
// The former needs no port, no file and no goroutine. The Board keeps the state
// in a memory file, a new one at each change so that none is ever read half
// written, and a process of the same container finds that through /proc: it works
// without root, with a read-only root file system, and ends with the process that
// it is about.
//
// The package must not know what carries a run: it is told states by name, and
// where a server answers.
package status
