// Package rendezvous lets the nodes of a run find each other, agree on a
// roster, start together and end together. One node is the [Head] and listens;
// every other one is a [Worker] and dials.
//
// It carries what its caller gives it (a node's name, values that must match,
// an opaque payload, an outcome) and must not know what a run is for: no
// runtime, no process, no environment is read here. It never exits the process
// and never logs or sends a secret.
//
// # One session is one run
//
// A worker has one connection to the head, and the roster, the barrier, the
// heartbeats and the outcome all go over that one. A connection that breaks is
// not resumed: before the roster the worker joins again, after it the node is
// lost. So no message of an earlier run can reach a later one.
//
// # On the wire
//
// TCP, inside it TLS 1.3 with a certificate that the head makes for the run and
// that nobody verifies. Inside TLS first one greeting each way, of fixed size,
// in which worker and then head prove that they know the secret, bound to this
// very channel; then frames: a length of 4 bytes, big-endian, and as many bytes
// of JSON. docs/protocol.md is the full description, with what each side may
// assume and why the proof holds.
//
// # Who is refused, who tries again
//
// A refusal that only a person can undo (another secret, another version, a
// node too many) is final and comes as a [RefusedError] at once. Whatever time
// can cure (no answer, a head that is just ending its run) is tried again until
// the caller's context ends.
package rendezvous
