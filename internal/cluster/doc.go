// Package cluster answers who this node is where something outside has handed
// out the ranks already: how many nodes there are, which one this is, and
// where the first one is. Each scheduler or launcher is one small file; the
// order in which they are asked is that of sources.
//
// It is pure: variables, the host's name and a reader of files go in, Facts
// come out. RANK and WORLD_SIZE are never read: depending on who set them they
// count nodes, GPUs or tasks.
//
// The package must not know settings, networks, the nodes' protocol or
// runtimes.
package cluster
