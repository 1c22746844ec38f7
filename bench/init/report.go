package main

import "fmt"

func printTable(all []*subject) {
	fmt.Print("| |")
	for _, s := range all {
		fmt.Printf(" %s |", s.Name)
	}
	fmt.Print("\n|---|")
	for range all {
		fmt.Print("---|")
	}
	fmt.Println()
	for _, f := range []struct {
		name, format string
		of           func(*subject) float64
	}{
		{"start to exit of `true`, median (ms)", "%.2f", func(s *subject) float64 { return median(s.start) }},
		{"start to exit of `true`, p99 (ms)", "%.2f", func(s *subject) float64 { return quantile(s.start, 0.99) }},
		{"peak memory, PSS (MB)", "%.2f", func(s *subject) float64 { return s.peakPSS }},
		{"peak memory, RSS (MB)", "%.2f", func(s *subject) float64 { return s.peakRSS }},
		{"wake-ups a second, idle", "%.1f", func(s *subject) float64 { return s.wakeups }},
		{"signal latency, p50 (µs)", "%.0f", func(s *subject) float64 { return median(s.latency) }},
		{"signal latency, p99 (µs)", "%.0f", func(s *subject) float64 { return quantile(s.latency, 0.99) }},
		{"zombies reaped a second, median", "%.0f", func(s *subject) float64 { return median(s.rate) }},
		{"CPU per reaped zombie, median (µs)", "%.1f", func(s *subject) float64 { return median(s.cpu) }},
	} {
		fmt.Printf("| %s |", f.name)
		for _, s := range all {
			fmt.Printf(" "+f.format+" |", f.of(s))
		}
		fmt.Println()
	}
}

// printGoals says which goals are met. Those that are ratios or differences are
// taken against tini beside it.
func printGoals(tini, syminit *subject) {
	later := median(syminit.start) - median(tini.start)
	rates := make([]float64, len(tini.rate))
	for i := range rates {
		rates[i] = syminit.rate[i] / tini.rate[i]
	}
	fmt.Println()
	for _, g := range []struct {
		text string
		met  bool
	}{
		{fmt.Sprintf("start to exit within 4 ms of tini: %+.2f ms", later), later <= 4},
		{fmt.Sprintf("at most 10 MB for both processes together (PSS): %.2f MB", syminit.peakPSS), syminit.peakPSS <= 10},
		{fmt.Sprintf("no wake-ups when idle: %.1f a second", syminit.wakeups), syminit.wakeups < 0.05},
		{fmt.Sprintf("signal latency p99 at most 500 µs: %.0f µs", quantile(syminit.latency, 0.99)), quantile(syminit.latency, 0.99) <= 500},
		{fmt.Sprintf("reaping at least 0.75 of tini's rate: %.2f (median of the rounds' ratios)", median(rates)), median(rates) >= 0.75},
	} {
		word := "met"
		if !g.met {
			word = "NOT met"
		}
		fmt.Printf("- %s: %s\n", word, g.text)
	}
}
