package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/syminit/syminit/bench/docker"
	"github.com/syminit/syminit/test/vllm/client"
)

// A world is the two nodes of one run.
type world struct {
	measurement
	net          *docker.Network
	head, worker string // containers
}

var (
	serve       = strings.Fields("vllm serve /model --served-model-name tiny --dtype float32 --enforce-eager --max-model-len 128 --max-num-seqs 4")
	environment = strings.Fields("VLLM_CPU_KVCACHE_SPACE=1 TORCHDYNAMO_DISABLE=1 HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1")
	ours        = strings.Fields("SYMINIT_HEAD=head SYMINIT_NODES=2 SYMINIT_TOKEN=0123456789abcdef0123456789abcdef")
)

// start starts one node. Without syminit vLLM, or ray symmetric-run, is the
// container's first process, as it is in vLLM's own images.
func (w *world) start(image, name string) (string, error) {
	var options, args []string
	serve, environment := serve, environment
	if w.inFlight > 0 {
		serve = append(slices.Clone(serve), "--shutdown-timeout", "60")
		environment = append(slices.Clone(environment), "SYMINIT_STOP_TIMEOUT=90s")
	}
	for _, e := range environment {
		options = append(options, "-e", e)
	}
	switch {
	case w.syminit:
		for _, e := range slices.Concat(ours, w.env) {
			options = append(options, "-e", e)
		}
		args = slices.Concat(serve, w.args)
	case w.symmetric:
		options = append(options, "--entrypoint", "ray")
		args = slices.Concat(strings.Fields("symmetric-run --address head:6379 --min-nodes 2 --num-gpus=1 --"), serve, strings.Fields(w.mode.head))
	default:
		more := w.mode.head
		if name == "worker" {
			more = w.mode.worker
		}
		options = append(options, "--entrypoint", "sh")
		more = strings.ReplaceAll(more, "HEAD", "$(getent hosts head | cut -d ' ' -f 1)")
		args = []string{"-c", "exec " + strings.Join(serve, " ") + " " + more}
	}
	options = append(options, image)
	return w.net.Start(name, append(options, args...)...)
}

// reach waits until the head has printed text.
func (w *world) reach(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		logs, err := docker.Run("logs", w.head)
		if err != nil || strings.Contains(logs, text) {
			return err
		}
		running, err := docker.Run("inspect", "-f", "{{.State.Running}}", w.head)
		if err != nil {
			return err
		}
		if running != "true" {
			return fmt.Errorf("the head ended: %s", logs)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the head did not print %q: %s", text, logs)
		}
	}
}

func (w *world) signal(node, name string) error {
	_, err := docker.Run("kill", "--signal", name, node)
	return err
}

// bar drops every packet to the head's port where vLLM's nodes meet. It needs
// root, for the container's network.
func (w *world) bar() error {
	pid, err := docker.Run("inspect", "-f", "{{.State.Pid}}", w.head)
	if err != nil {
		return err
	}
	out, err := exec.Command("nsenter", "--net=/proc/"+pid+"/ns/net", "iptables", "-A", "INPUT", "-p", "tcp", "--dport", w.port, "-j", "DROP").CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables: %w: %s", err, out)
	}
	return nil
}

// kill kills the processes on a node that are called so. The container may end
// by that, and pkill with it.
func (w *world) kill(node, process string) error {
	_, err := docker.Run("exec", node, "pkill", "-KILL", "-f", process)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 128 {
		return nil
	}
	return err
}

// ask asks the head for a completion of that many tokens and returns the status of
// the answer, or what became of the request.
func (w *world) ask(ctx context.Context, tokens int) string {
	server, err := w.server()
	if err != nil {
		return err.Error()
	}
	answer, err := client.Complete(ctx, server, tokens)
	if ctx.Err() != nil {
		return "no answer"
	}
	if err != nil {
		return "refused"
	}
	_ = answer.Body.Close()
	return strconv.Itoa(answer.StatusCode)
}

// server is where the head serves.
func (w *world) server() (string, error) {
	address, err := docker.Run("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", w.head)
	return "http://" + net.JoinHostPort(address, "8000"), err
}

// load sends what is to be in flight, and returns once all of it is. What becomes
// of each comes over the channel.
func (w *world) load() (<-chan string, error) {
	answers := make(chan string, w.inFlight)
	if w.inFlight == 0 {
		return answers, nil
	}
	server, err := w.server()
	if err != nil {
		return nil, err
	}
	for range w.inFlight {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			answers <- w.ask(ctx, 60)
		}()
	}
	for taken := 0; taken+len(answers) < w.inFlight; {
		if taken, err = requests(server); err != nil {
			return nil, err
		}
	}
	if len(answers) == w.inFlight {
		return nil, errors.New("all requests were answered before they were seen in flight")
	}
	return answers, nil
}
