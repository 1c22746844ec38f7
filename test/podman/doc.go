// Package podman runs syminit in the containers of podman, as root and without
// root, and in Docker's: each kind of container that makes something else of
// process 1, of the user or of the file system, and real Ray over two hosts of
// test/setup/hosts.sh, each with an engine of its own where that is Docker's. The
// unit for quadlet becomes a service by the real one, and is started and stopped as
// systemd would.
//
// The tests need root, podman, and the image that test/image makes, named in
// SYMINIT_TEST_IMAGE. Without them they skip and say so, or fail when
// SYMINIT_TEST_REQUIRE is set, as it is in CI.
package podman
