// Package slurm runs syminit under a real Slurm and podman: a slurmd for each
// of three network namespaces (cluster.sh), and real Ray in podman's containers
// on them, started by the script in examples/slurm.
//
// The tests need root, Slurm, podman, and the image that test/image makes,
// named in SYMINIT_TEST_IMAGE. Without them they skip and say so, or fail when
// SYMINIT_TEST_REQUIRE is set, as it is in CI.
package slurm
