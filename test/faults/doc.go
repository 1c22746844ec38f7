// Package faults runs nodes of a rendezvous in network namespaces of their own,
// as real processes over real TCP, and does to them what hosts and networks do:
// links go down, packets are lost, delayed, doubled and reordered, processes
// freeze and are killed. It makes the table in docs/faults.md:
//
//	go test ./test/faults -update
//
// It also holds the promise of SYMINIT_RESTARTS=unlimited in containers that
// their engine starts again: five nodes of the shipped binary, each process 1 in
// namespaces of its own, with a program that stands in for Ray, and kills and
// cuts that are drawn from a seed:
//
//	go test ./test/faults -run Convergence -seed 7 -events 50
//
// It needs root, ip, iptables and nsenter.
package faults
