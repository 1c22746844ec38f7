package main

import (
	_ "embed"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/syminit/syminit/test/conformance"
)

var (
	//go:embed jobs/latency.py
	latencyJob string
	//go:embed jobs/reap.py
	reapJob string
)

func python(program string) []string { return []string{"/usr/bin/python3", "-I", "-S", "-c", program} }

func environ() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
}

// measureStart runs `true` behind each init as any other process: making and
// ending a PID namespace takes longer than the inits do.
func measureStart(c config, all []*subject) error {
	for range c.starts {
		for _, s := range all {
			options, ok := s.Options[conformance.Subreaper]
			if !ok {
				options = s.Options[conformance.Process1]
			}
			args := append(append([]string{}, options...), "--", "/bin/true")
			cmd := exec.Command(s.Path, args...)
			cmd.Env, cmd.SysProcAttr = environ(), &syscall.SysProcAttr{Setsid: true}
			begin := time.Now()
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			s.start = append(s.start, float64(time.Since(begin).Microseconds())/1000)
		}
	}
	return nil
}

// measureIdle starts all inits side by side and leaves them alone. Memory is
// looked at all the while, wake-ups are counted when all have settled.
func measureIdle(c config, all []*subject) error {
	list, stop, err := startAll(all, "/bin/sh", "-c", "echo ready; exec sleep 1000")
	if err != nil {
		return err
	}
	defer stop()
	memory := func() error {
		for i, r := range list {
			pss, err := r.sum("smaps_rollup", func(line string) float64 { return after(line, "Pss:") })
			if err != nil {
				return err
			}
			rss, err := r.sum("status", func(line string) float64 { return after(line, "VmHWM:") })
			if err != nil {
				return err
			}
			all[i].peakPSS = max(all[i].peakPSS, pss/1024)
			all[i].peakRSS = max(all[i].peakRSS, rss/1024)
		}
		return nil
	}
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for range 60 {
		if err := memory(); err != nil {
			return err
		}
		<-poll.C
	}
	before := make([]float64, len(list))
	for i, r := range list {
		if before[i], err = r.switches(); err != nil {
			return err
		}
	}
	<-time.After(c.idle)
	for i, r := range list {
		now, err := r.switches()
		if err != nil {
			return err
		}
		all[i].wakeups = (now - before[i]) / c.idle.Seconds()
	}
	return memory()
}

// switches counts how often the init's threads have given up a CPU, or lost it.
func (r *running) switches() (float64, error) {
	return r.sum("task/*/status", func(line string) float64 {
		return after(line, "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:")
	})
}

// measureLatency sends a signal to one init after the other, and each job says when it came.
func measureLatency(c config, all []*subject) error {
	list, stop, err := startAll(all, python(latencyJob)...)
	if err != nil {
		return err
	}
	defer stop()
	for range c.signals {
		for i, r := range list {
			var now unix.Timespec
			if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
				return err
			}
			if err := r.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				return err
			}
			came, err := r.number()
			if err != nil {
				return fmt.Errorf("%s: %w", all[i].Name, err)
			}
			all[i].latency = append(all[i].latency, (came-float64(now.Nano()))/1000)
		}
	}
	return nil
}

// measureReaping lets many zombies at once fall to one init after the other.
func measureReaping(c config, all []*subject) error {
	list, stop, err := startAll(all, python(reapJob)...)
	if err != nil {
		return err
	}
	defer stop()
	for range c.rounds {
		for i, r := range list {
			if err := r.reap(c.zombies, all[i]); err != nil {
				return fmt.Errorf("%s: %w", all[i].Name, err)
			}
		}
	}
	return nil
}

func (r *running) reap(zombies int, s *subject) error {
	if _, err := fmt.Fprintln(r.in, zombies); err != nil {
		return err
	}
	if line, err := r.lines.ReadString('\n'); line != "dead\n" || err != nil {
		return fmt.Errorf("the job printed %q: %w", line, err)
	}
	before, err := r.cpu()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(r.in, "go"); err != nil {
		return err
	}
	took, err := r.number()
	if err != nil {
		return err
	}
	now, err := r.cpu()
	if err != nil {
		return err
	}
	s.rate = append(s.rate, float64(zombies)/(took/1e9))
	s.cpu = append(s.cpu, (now-before)/1000/float64(zombies))
	return nil
}

// cpu is the time that the init's threads have run, in ns (proc(5), schedstat).
func (r *running) cpu() (float64, error) {
	return r.sum("task/*/schedstat", func(line string) float64 { return after(line, "") })
}
