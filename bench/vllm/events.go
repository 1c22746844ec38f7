package main

import (
	"slices"

	"github.com/syminit/syminit/bench/docker"
)

// A mode is one way for vLLM to spread over two nodes.
type mode struct {
	name string
	// What a person writes behind vllm serve, without syminit, on the head and
	// on the worker; HEAD is the head's address. Under Ray it is ray
	// symmetric-run that starts both.
	head, worker string
	symmetric    bool
	// What goes behind vllm serve under syminit, and its settings.
	args []string
	env  []string
	// port is where vLLM's nodes meet; "": not asked.
	port string
	// process is how the one that computes on the worker is called.
	process string
}

var modes = []mode{
	{
		name: "ray", symmetric: true,
		head: "--tensor-parallel-size 2 --distributed-executor-backend ray",
		args: []string{"--tensor-parallel-size", "2", "--distributed-executor-backend", "ray"},
		env:  []string{"SYMINIT_RAY_START_ARGS=--num-gpus=1"}, process: "^ray::RayWorkerProc",
	},
	{
		name:    "mp",
		head:    "--tensor-parallel-size 2 --distributed-executor-backend mp --nnodes 2 --master-addr HEAD --node-rank 0",
		worker:  "--tensor-parallel-size 2 --distributed-executor-backend mp --nnodes 2 --master-addr HEAD --node-rank 1 --headless",
		args:    []string{"--tensor-parallel-size", "2", "--distributed-executor-backend", "mp"},
		env:     []string{"SYMINIT_RUNTIME=mp"},
		process: "^VLLM::Worker", port: "29501",
	},
	{
		name:    "data parallel",
		head:    "--data-parallel-size 2 --data-parallel-size-local 1 --data-parallel-address HEAD --data-parallel-rpc-port 13345 --api-server-count 1",
		worker:  "--data-parallel-size 2 --data-parallel-size-local 1 --data-parallel-address HEAD --data-parallel-rpc-port 13345 --data-parallel-start-rank 1 --headless",
		args:    []string{"--data-parallel-size", "2", "--api-server-count", "1"},
		env:     []string{"SYMINIT_RUNTIME=mp"},
		process: "^VLLM::EngineCore",
	},
}

// An event is what happens to a run.
type event struct {
	name string
	// At which point: what the head has printed by then. "": as soon as it waits
	// for the worker, which isn't started.
	moment string
	do     func(*world) error
	ask    bool // a completion is asked for afterwards
	// That many completions are in flight when it happens, and vLLM is told to
	// wait for them.
	inFlight int
	// Before the worker starts, no packet gets to the head's port where vLLM's
	// nodes meet.
	barred bool
}

const (
	// serving is what vLLM prints when it answers requests.
	serving = "Application startup complete."
	// beginning is what vLLM prints when its engine begins to start.
	beginning = "Initializing a V1 LLM engine"
	// early is a point 5 s after the start of both nodes, whatever they print.
	early = "5 s"
)

var events = []event{
	{name: "TERM to the head", moment: serving, do: func(w *world) error { return w.signal(w.head, "TERM") }},
	{name: "TERM to the worker", moment: serving, do: func(w *world) error { return w.signal(w.worker, "TERM") }, ask: true},
	{name: "TERM to the head 5 s after its start", moment: early, do: func(w *world) error { return w.signal(w.head, "TERM") }},
	{name: "TERM to the head while its engine starts", moment: beginning, do: func(w *world) error { return w.signal(w.head, "TERM") }},
	{name: "TERM to the head that waits for the worker", do: func(w *world) error { return w.signal(w.head, "TERM") }},
	{name: "TERM to the head with 12 requests in flight, `--shutdown-timeout 60`", moment: serving, inFlight: 12, do: func(w *world) error { return w.signal(w.head, "TERM") }},
	{name: "the head's container killed", moment: serving, do: func(w *world) error { return w.signal(w.head, "KILL") }},
	{name: "the worker's container killed", moment: serving, do: func(w *world) error { return w.signal(w.worker, "KILL") }, ask: true},
	{name: "the engine's process killed on the head", moment: serving, do: func(w *world) error { return w.kill(w.head, "^VLLM::EngineCore") }, ask: true},
	{name: "the computing process killed on the worker", moment: serving, do: func(w *world) error { return w.kill(w.worker, w.process) }, ask: true},
	{name: "the worker's link cut", moment: serving, do: func(w *world) error {
		_, err := docker.Run("network", "disconnect", w.net.Name, w.worker)
		return err
	}, ask: true},
	{name: "a firewall before the port where vLLM's nodes meet", moment: beginning, do: func(*world) error { return nil }, barred: true},
}

// A measurement is one event, in one mode, with syminit or without.
type measurement struct {
	event
	mode
	syminit bool
}

func (m measurement) name() string {
	by := "by itself"
	if m.syminit {
		by = "syminit"
	}
	return m.event.name + ", " + m.mode.name + ", " + by
}

func measurements() (all []measurement) {
	for _, syminit := range []bool{false, true} {
		for _, e := range events {
			for _, m := range modes {
				if e.barred && m.port == "" {
					continue
				}
				all = append(all, measurement{e, m, syminit})
			}
		}
	}
	return slices.Clip(all)
}
