// Package faults runs nodes of a rendezvous in network namespaces of their own,
// as real processes over real TCP, and does to them what hosts and networks do:
// links go down, packets are lost, delayed, doubled and reordered, processes
// freeze and are killed. It makes the table in docs/faults.md:
//
//	go test ./test/faults -update
//
// It needs root, ip and iptables.
package faults
