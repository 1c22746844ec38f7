// Package faults runs nodes of the shipped binary, each process 1 in namespaces of
// its own, with programs that stand in for Ray and the job, and does to them what
// hosts and networks do: links go down, packets are lost, delayed, doubled and
// reordered, containers freeze and are killed, disks are full. It makes the tables
// in docs/faults.md:
//
//	go test ./test/faults -update
//
// It also holds the promise of SYMINIT_RESTARTS=unlimited in containers that
// their engine starts again: five nodes, kills and cuts that are drawn from a
// seed, and in the end nothing that is left of all the runs:
//
//	go test ./test/faults -run Convergence -seed 7 -events 50
//
// It needs root, ip, iptables and nsenter.
package faults
