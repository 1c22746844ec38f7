// Command init measures syminit as an init against tini, dumb-init and
// catatonit, in one run on one machine, each round one after the other. It
// prints a Markdown table, and which of the goals are met.
//
//	go run ./bench/init -write docs/init.md
//
// It needs root, for PID namespaces, and the other inits from their packages.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/syminit/syminit/test/conformance"
)

func main() {
	var c config
	flag.IntVar(&c.starts, "starts", 300, "starts of each init")
	flag.IntVar(&c.signals, "signals", 1000, "signals to each init")
	flag.IntVar(&c.rounds, "rounds", 7, "rounds of reaping")
	flag.IntVar(&c.zombies, "zombies", 4000, "zombies of one round")
	flag.DurationVar(&c.idle, "idle", 10*time.Second, "how long wake-ups are counted")
	flag.StringVar(&c.write, "write", "", "file to write to, between its markers, in place of standard output")
	flag.Parse()
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "init:", err)
		os.Exit(1)
	}
}

type config struct {
	starts, signals, rounds, zombies int
	idle                             time.Duration
	write                            string
}

// A subject is an init and what was measured of it.
type subject struct {
	conformance.Init

	start   []float64 // ms
	latency []float64 // µs
	rate    []float64 // zombies a second
	cpu     []float64 // µs a zombie
	peakPSS float64   // MB
	peakRSS float64   // MB
	wakeups float64   // a second
}

func run(c config) error {
	dir, err := os.MkdirTemp("", "bench-init")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := conformance.Build(dir)
	if err != nil {
		return err
	}
	inits, err := conformance.Others()
	if err != nil {
		return err
	}
	var all []*subject
	for _, i := range append(inits, conformance.Syminit(binary)) {
		if i.Name != "tini -g" {
			all = append(all, &subject{Init: i})
		}
	}
	for _, step := range []struct {
		name string
		do   func(config, []*subject) error
	}{
		{"start", measureStart}, {"memory and wake-ups", measureIdle}, {"latency", measureLatency}, {"reaping", measureReaping},
	} {
		fmt.Fprintln(os.Stderr, "measuring:", step.name)
		if err := step.do(c, all); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if c.write != "" {
		return conformance.Insert(c.write, "bench", markdown(all))
	}
	_, err = fmt.Print(markdown(all))
	return err
}

// quantile of values: 0.5 is the median.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }
