// Package gcs asks Ray's Global Control Service, the registry that every Ray
// cluster has on its head, which nodes are alive.
//
// It speaks gRPC over plain-text HTTP/2 with the standard library alone and
// decodes the few protobuf fields it needs by hand: an answer takes about a
// millisecond, where Ray's own Python clients take close to a second of CPU.
// Method names and field numbers are those of src/ray/protobuf/gcs.proto and
// gcs_service.proto; those that are read are the same in Ray 2.40, 2.52 and 2.60.
//
// It must not know who asks, why, or how often.
package gcs
