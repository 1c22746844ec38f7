// Package vllm tests syminit with a real vLLM, on CPUs: two containers, one
// command, a model of a few hundred kilobytes, and a completion asked for over
// HTTP.
//
// The tests need a Docker engine and the image that "make vllm-image" builds;
// "make test-vllm" sees to both and names the image in SYMINIT_TEST_VLLM_IMAGE.
// Without it they skip and say so, or fail when SYMINIT_TEST_REQUIRE is set.
package vllm
