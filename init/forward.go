package pid1

import (
	"os"
	"slices"
	"syscall"
)

// maxWaiting bounds the signals that wait for an agent that does not read: the
// kernel's socket buffer takes a few hundred before the first one waits here.
const maxWaiting = 1024

// forward passes every caught signal on to the agent, in the order of arrival,
// for as long as the process lives. An agent that does not read, or is gone,
// holds up nothing but its own signals.
func forward(caught <-chan os.Signal, link conn) {
	next := make(chan syscall.Signal)
	go func() {
		for s := range next {
			if link.send(message{Signal: s}) != nil {
				return // the agent is gone
			}
		}
	}()
	queue(caught, next)
}

// queue moves signals from in to out and never keeps in waiting.
func queue(in <-chan os.Signal, out chan<- syscall.Signal) {
	var waiting []syscall.Signal
	for {
		if len(waiting) == 0 {
			waiting = enqueue(waiting, <-in)
		}
		select {
		case s := <-in:
			waiting = enqueue(waiting, s)
		case out <- waiting[0]:
			waiting = waiting[1:]
		}
	}
}

// enqueue treats a full queue as the kernel does pending signals: one of a kind
// is enough, and no kind is lost altogether.
func enqueue(waiting []syscall.Signal, s os.Signal) []syscall.Signal {
	sig, ok := s.(syscall.Signal)
	if !ok || len(waiting) >= maxWaiting && slices.Contains(waiting, sig) {
		return waiting
	}
	return append(waiting, sig)
}
