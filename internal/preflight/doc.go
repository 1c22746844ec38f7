// Package preflight looks at a node before the run, and says what will get in
// its way: a /dev/shm that is too small, another Ray than the other nodes have.
//
// The work is split in two. [Survey] finds out, on every node, what is there,
// and makes no judgement; the result is plain data that goes to the head.
// [Judge] holds the facts of all nodes against what is needed and against each
// other. So every text comes from the node that shows it, and a node that sends
// nonsense can only be described wrongly.
//
// The package must not know how the nodes meet, what starts Ray, or settings.
package preflight
