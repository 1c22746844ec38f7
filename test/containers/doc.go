// Package containers starts the nodes of a run as Docker containers on a network
// of their own, and looks at them from outside: what tests of several packages
// share.
//
// A container's output is shown when its test fails, and everything is removed
// when the test ends.
package containers
