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
		process: "^VLLM::Worker",
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
	// At which point: what the head has printed by then.
	moment string
	alone  bool // the worker isn't started
	do     func(*world) error
	// Whether a completion is asked for afterwards.
	ask bool
}

// serving is what vLLM prints when it answers requests.
const serving = "Application startup complete."

var events = []event{
	{"TERM to the head", serving, false, func(w *world) error { return w.signal(w.head, "TERM") }, false},
	{"TERM to the worker", serving, false, func(w *world) error { return w.signal(w.worker, "TERM") }, true},
	{"TERM to the head while its engine starts", "Initializing a V1 LLM engine", false, func(w *world) error { return w.signal(w.head, "TERM") }, false},
	{"TERM to the head that waits for the worker", "", true, func(w *world) error { return w.signal(w.head, "TERM") }, false},
	{"the head's container killed", serving, false, func(w *world) error { return w.signal(w.head, "KILL") }, false},
	{"the worker's container killed", serving, false, func(w *world) error { return w.signal(w.worker, "KILL") }, true},
	{"the engine's process killed on the head", serving, false, func(w *world) error { return w.kill(w.head, "^VLLM::EngineCore") }, true},
	{"the computing process killed on the worker", serving, false, func(w *world) error { return w.kill(w.worker, w.process) }, true},
	{"the worker's link cut", serving, false, func(w *world) error {
		_, err := docker.Run("network", "disconnect", w.net.Name, w.worker)
		return err
	}, true},
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
				all = append(all, measurement{e, m, syminit})
			}
		}
	}
	return slices.Clip(all)
}
