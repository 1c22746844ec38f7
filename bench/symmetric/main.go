// Command symmetric measures syminit against "ray symmetric-run": the same
// image, two containers, the same job, the two launchers in turn. It prints a
// Markdown table of medians and of the ratios within each pair, and one of
// further runs of syminit alone.
//
//	go run ./bench/symmetric -image syminit-test:ray-2.60.0 -pairs 5 -alone 10
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
)

func main() {
	image := flag.String("image", os.Getenv("SYMINIT_TEST_IMAGE"), "image with syminit and Ray")
	pairs := flag.Int("pairs", 5, "pairs of runs")
	alone := flag.Int("alone", 10, "further runs of syminit alone")
	flag.Parse()
	if err := run(*image, *pairs, *alone); err != nil {
		fmt.Fprintln(os.Stderr, "symmetric:", err)
		os.Exit(1)
	}
}

// A figure is one row of the table.
type figure struct {
	name string
	unit string
	of   func(result) float64
}

var figures = []figure{
	{"launch → command starts", "s", func(r result) float64 { return r.start.Seconds() }},
	{"job ends → head container gone", "s", func(r result) float64 { return r.head.Seconds() }},
	{"job ends → worker container gone", "s", func(r result) float64 { return r.worker.Seconds() }},
	{"memory (PSS) of the waiting launcher, head", "MB", func(r result) float64 { return r.headMB }},
	{"memory (PSS) of the waiting launcher, worker", "MB", func(r result) float64 { return r.workerMB }},
}

func run(image string, pairs, alone int) error {
	if image == "" {
		return fmt.Errorf("no image: give -image, or set SYMINIT_TEST_IMAGE")
	}
	var theirs, ours []result
	for i := range pairs {
		for _, l := range []struct {
			launcher
			to *[]result
		}{{symmetricRun, &theirs}, {syminit, &ours}} {
			r, err := measure(image, l.launcher)
			if err == nil {
				err = r.measureMemory(image, l.launcher)
			}
			if err != nil {
				return fmt.Errorf("pair %d, %s: %w", i+1, l.name, err)
			}
			fmt.Fprintf(os.Stderr, "pair %d, %s: %+v\n", i+1, l.name, r)
			*l.to = append(*l.to, r)
		}
	}
	if pairs > 0 {
		printPairs(theirs, ours)
	}
	return runAlone(image, alone)
}

func printPairs(theirs, ours []result) {
	fmt.Println("| figure | `ray symmetric-run` | syminit | ratio (min–max) |\n|---|---|---|---|")
	for _, f := range figures {
		a, b, ratios := column(theirs, f), column(ours, f), make([]float64, len(ours))
		for i := range ratios {
			ratios[i] = b[i] / a[i]
		}
		fmt.Printf("| %s | %.2f %s | %.2f %s | %.3f (%.3f–%.3f) |\n", f.name,
			median(a), f.unit, median(b), f.unit, median(ratios), slices.Min(ratios), slices.Max(ratios))
	}
}

// runAlone prints how syminit's own runs start and end.
func runAlone(image string, runs int) error {
	if runs < 1 {
		return nil
	}
	all := make([]result, runs)
	for i := range all {
		var err error
		if all[i], err = measure(image, syminit); err != nil {
			return fmt.Errorf("run %d: %w", i+1, err)
		}
	}
	fmt.Printf("\n| figure | syminit, median of %d | min–max |\n|---|---|---|\n", runs)
	for _, f := range append(figures[:3:3], figure{
		"job ends → every container gone", "s", func(r result) float64 { return max(r.head, r.worker).Seconds() },
	}) {
		c := column(all, f)
		fmt.Printf("| %s | %.2f %s | %.2f–%.2f |\n", f.name, median(c), f.unit, slices.Min(c), slices.Max(c))
	}
	return nil
}

func column(rs []result, f figure) []float64 {
	values := make([]float64, len(rs))
	for i, r := range rs {
		values[i] = f.of(r)
	}
	return values
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
