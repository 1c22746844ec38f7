package main

import (
	"fmt"
	"strings"
)

func markdown(all []*subject) string {
	var b strings.Builder
	fmt.Fprint(&b, "| |")
	for _, s := range all {
		fmt.Fprintf(&b, " %s |", s.Name)
	}
	fmt.Fprint(&b, "\n|---|")
	for range all {
		fmt.Fprint(&b, "---|")
	}
	fmt.Fprintln(&b)
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
		fmt.Fprintf(&b, "| %s |", f.name)
		for _, s := range all {
			fmt.Fprintf(&b, " "+f.format+" |", f.of(s))
		}
		fmt.Fprintln(&b)
	}
	b.WriteString("\n" + goals(all[0], all[len(all)-1]) + "\n")
	return "\n" + b.String()
}

// goals says which goals are met. Those that are ratios or differences are
// taken against tini beside it.
func goals(tini, syminit *subject) string {
	later := median(syminit.start) - median(tini.start)
	rates := make([]float64, len(tini.rate))
	for i := range rates {
		rates[i] = syminit.rate[i] / tini.rate[i]
	}
	var b strings.Builder
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
		fmt.Fprintf(&b, "- %s: %s\n", word, g.text)
	}
	return b.String()
}
