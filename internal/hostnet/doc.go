// Package hostnet answers what this host is on the network: its addresses,
// the interface that carries one, the address that leads to another host, and
// whether the head's name means this very host.
//
// The kernel's answers come over netlink and from a UDP socket's local
// address; nothing is sent to anybody, and no privilege is needed. All of it
// is about the network namespace of the calling thread.
//
// The package must not know settings, the nodes' protocol or runtimes.
package hostnet
