// Package docker tests syminit in real containers with real Ray: what a person
// who runs docker run on several hosts, or docker compose, gets.
//
// The tests need a Docker engine and the images that test/image makes; "make
// test" sees to both and names the image in SYMINIT_TEST_IMAGE. Without it they
// skip and say so, or fail when SYMINIT_TEST_REQUIRE is set, as it is in CI.
package docker
