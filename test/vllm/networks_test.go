package vllm

import (
	"regexp"
	"strings"
	"testing"

	"github.com/syminit/syminit/test/containers"
)

// twoNetworks, run in a container, makes it a host with two networks whose
// default route leads through the one that reaches no other node. vLLM by itself
// takes its own address from there.
const twoNetworks = `own=$(hostname -i)
ip link add eth9 type veth peer name eth10
ip addr add 10.99.0.${own##*.}/24 dev eth9
ip link set eth9 up
ip link set eth10 up
ip route replace default via 10.99.0.1 dev eth9
`

// TestTwoNetworks: every process has the address that the other node reaches,
// and vLLM's older Ray executor, which waits for half an hour where it has the
// wrong one, serves.
func TestTwoNetworks(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := modes[0].host()
	h.Env = append(h.Env, "VLLM_USE_RAY_V2_EXECUTOR_BACKEND=0")
	head, worker := c.Pair(onTwoNetworks(h, `export NCCL_IB_HCA=$own && exec syminit -- "$@"`))
	head.WaitLog(serving, up)
	if err := complete(head, 8); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*containers.Container{head, worker} {
		wantOwnAddress(t, n, "NCCL_IB_HCA")
	}
	copied := regexp.MustCompile(`Copying the following environment variables.*`).FindString(head.Logs())
	if copied == "" || strings.Contains(copied, "_SOCKET_IFNAME") || strings.Contains(copied, "NCCL_IB_HCA") || strings.Contains(copied, "VLLM_HOST_IP") {
		t.Errorf("what the head's vLLM gives the other node: %q", copied)
	}
	stop(t, []int{0}, head, head, worker)
}

// TestTwoNetworksByHand is the same without syminit: Ray on both hosts, by hand
// and with the right addresses, and vLLM on the head. It shows what goes wrong,
// so that the test above shows something.
func TestTwoNetworksByHand(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h := modes[0].host()
	h.Env = append(h.Env, "VLLM_USE_RAY_V2_EXECUTOR_BACKEND=0")
	h.Args = append(h.Args, "--distributed-executor-backend", "ray")
	start := "ray start --node-ip-address=$own --num-gpus=1 --disable-usage-stats "
	h.Name = "head"
	head := c.Run(onTwoNetworks(h, start+`--head --port=6379 --include-dashboard=false && python3 /jobs/join.py 2 && exec "$@"`))
	head.WaitLog("Ray runtime started", up)
	h.Name = "worker"
	c.Run(onTwoNetworks(h, "exec "+start+"--address=head:6379 --block"))
	head.WaitLog("No available node types can fulfill resource request", up)
	head.WantLog("'node:10.99.0.")
}

// onTwoNetworks is a host like h that has two networks and runs a script; "$@" in
// it is h's command.
func onTwoNetworks(h containers.Host, script string) containers.Host {
	h.Options = append(h.Options, "--cap-add", "NET_ADMIN", "--entrypoint", "sh")
	h.Args = append([]string{"-c", strings.TrimSpace(twoNetworks) + "\n" + script, "sh"}, h.Args...)
	return h
}
