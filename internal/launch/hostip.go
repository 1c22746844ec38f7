package launch

import (
	"fmt"
	"net/netip"
	"slices"
)

// vllmHostIP names the variable for the address at which vLLM expects this
// node's Ray, and listens itself.
const vllmHostIP = "VLLM_HOST_IP"

// ownHostIP puts this node's address in the place of another's, which comes with one
// command line for all hosts: vLLM would wait for ever, without a word. Of any other
// address it only warns, for it may be meant.
func (s *Spec) ownHostIP(env environ) (own environ, warnings []string) {
	set, _ := env.lookup(vllmHostIP)
	self := s.self().String()
	if set == self {
		return env, nil
	}
	text := fmt.Sprintf("%s=%s is set, and the other nodes know this one as %s: vLLM waits for ever where its nodes don't find each other; unset it, or set SYMINIT_NODE_IP to the same", vllmHostIP, set, self)
	if addr, err := netip.ParseAddr(set); err == nil {
		rank := slices.Index(s.Addrs, addr.Unmap())
		switch {
		case addr.Unmap() == s.self(): // in another spelling, and vLLM compares texts
			return env.replacing(variable{vllmHostIP, self}), nil
		case rank >= 0:
			text = fmt.Sprintf("%s=%s is the address of the node of rank %d: this one gets its own, %s; leave the variable out", vllmHostIP, set, rank, self)
			env = env.replacing(variable{vllmHostIP, self})
		}
	}
	return env, []string{text}
}
