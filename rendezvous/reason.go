package rendezvous

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// nonsense is the error of a peer that broke the protocol.
type nonsense string

func (e nonsense) Error() string { return string(e) }

// errDeaf is the error of a peer that has stopped to read.
var errDeaf = errors.New("the peer does not read")

// errBehind is the error of a peer that has stopped to take what is sent.
var errBehind = errors.New("it is too far behind")

// lossReason says why a session is over.
func lossReason(err error, silence time.Duration) string {
	var bad nonsense
	switch {
	case errors.As(err, &bad):
		return "it sent what is not understood: " + string(bad)
	case errors.Is(err, errDeaf):
		return fmt.Sprintf("it has read nothing for %s", silence)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("silent for %s", silence)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, net.ErrClosed):
		return "connection closed"
	}
	return plain(err)
}

// noJoinReason says why a connection came to nothing.
func noJoinReason(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("it did not join within %s", proofTime)
	}
	return lossReason(err, proofTime) + " before it joined"
}

// plain is an error without the addresses that package net puts in front: with
// them every try's error would be another one, for its port is.
func plain(err error) string {
	var tried *TriedError
	var op *net.OpError
	var call *os.SyscallError
	var dns *net.DNSError
	switch {
	case err == nil:
		return "no answer"
	case errors.As(err, &tried):
		return tried.Tried + ": " + plain(tried.Err)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s doesn't resolve (%s)", dns.Name, dns.Err)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return "connection closed before an answer"
	case errors.As(err, &call):
		return call.Err.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}

// nextStep is what a person can do about a head that is not reached.
func nextStep(err error) string {
	var dns *net.DNSError
	var again *refusal
	switch {
	case errors.As(err, &again):
		return again.Fix
	case errors.As(err, &dns):
		return "check SYMINIT_HEAD, or set it to the head's address"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start the head, and check that SYMINIT_HEAD and SYMINIT_PORT are the same on every node"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "check SYMINIT_HEAD, and that no firewall is between the hosts"
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return "set SYMINIT_HEAD to an address of a kind (IPv4 or IPv6) that this node has too"
	}
	return "read the head's log"
}

// speaksOtherwise reports that what answered a TLS client is not a TLS 1.3
// server. Errors of the network are not it: they may pass.
func speaksOtherwise(err error) bool {
	var header tls.RecordHeaderError
	var op *net.OpError
	var network net.Error
	var number syscall.Errno
	var bad nonsense
	switch {
	case errors.As(err, &header):
		return true
	case errors.As(err, &op) && op.Op == "remote error": // an alert of the other side
		return true
	case errors.As(err, &network), errors.As(err, &number), errors.As(err, &bad),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, net.ErrClosed):
		return false
	}
	return true
}
