// Command rendezvous measures the rendezvous beside the barrier of PyTorch's
// TCPStore: so many participants meet at one head, each with a connection of its
// own, and the time counts from the last one's start until all know that all are
// there. The head is a process of its own; the other participants share one
// process, threads there and goroutines here. TCPStore has neither encryption
// nor proof of a secret; the rendezvous has both. TCPStore looks the name of every
// client up, so it gets a hosts file, in a mount namespace of its own: that needs
// root.
//
//	python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch
//	go run ./bench/rendezvous -python /tmp/torch/bin/python
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// part in the environment makes this binary one of the processes measured.
const part = "SYMINIT_BENCH_PART"

func main() {
	if p := os.Getenv(part); p != "" {
		if err := play(p); err != nil {
			fmt.Fprintln(os.Stderr, "rendezvous:", p+":", err)
			os.Exit(1)
		}
		return
	}
	python := flag.String("python", "", "a Python with torch; without it only our own side is measured")
	sizes := flag.String("sizes", "2,64,512,1024", "numbers of participants")
	rounds := flag.Int("rounds", 3, "rounds of each; medians are shown")
	flag.Parse()
	if err := run(*python, *sizes, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "rendezvous:", err)
		os.Exit(1)
	}
}

// result is one round's.
type result struct {
	all  time.Duration // from the start of all but one until they wait
	last time.Duration // from the last one's start to the agreement of all
	idle memory        // of the head's process before anyone came
	full memory        // and when all are there
}

// contestant starts the two processes of a round.
type contestant struct {
	name          string
	head, workers func(n int, addr string) *exec.Cmd
}

func run(python, sizes string, rounds int) error {
	ours := contestant{
		name:    "syminit",
		head:    func(n int, _ string) *exec.Cmd { return self("head", n, "127.0.0.1:0") },
		workers: func(n int, addr string) *exec.Cmd { return self("workers", n, addr) },
	}
	sides := []contestant{ours}
	if python != "" {
		hosts, err := hostsFile()
		if err != nil {
			return err
		}
		defer func() { _ = os.Remove(hosts) }()
		store := func(args ...string) *exec.Cmd {
			const mounted = `mount --bind "$0" /etc/hosts && exec "$@"`
			return exec.Command("unshare", append([]string{"-m", "sh", "-c", mounted, hosts, python, "-c", script}, args...)...)
		}
		sides = append(sides, contestant{
			name:    "TCPStore",
			head:    func(n int, _ string) *exec.Cmd { return store("head", strconv.Itoa(n), "0") },
			workers: func(n int, addr string) *exec.Cmd { return store("workers", strconv.Itoa(n), addr) },
		})
	}
	fmt.Println("| participants | | all but one start → they wait, ms | the last starts → all agreed, ms | head's memory, MB | of it for participants, KB each |\n|---|---|---|---|---|---|")
	for text := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("size %q: %w", text, err)
		}
		results := make([][]result, len(sides))
		for range rounds { // in turn, so that what else the machine does hits both
			for i, c := range sides {
				r, err := c.round(n)
				if err != nil {
					return fmt.Errorf("%s, %d participants: %w", c.name, n, err)
				}
				results[i] = append(results[i], r)
			}
		}
		for i, c := range sides {
			of := func(f func(result) float64) float64 { return median(results[i], f) }
			fmt.Printf("| %d | %s | %.1f | %.1f | %.1f | %.1f |\n", n, c.name,
				of(func(r result) float64 { return r.all.Seconds() * 1e3 }), of(func(r result) float64 { return r.last.Seconds() * 1e3 }),
				of(func(r result) float64 { return r.full.all }), of(func(r result) float64 { return (r.full.own - r.idle.own) * 1e3 / float64(n) }))
		}
	}
	return nil
}

// hostsFile writes one with the names that TCPStore looks up.
func hostsFile() (string, error) {
	f, err := os.CreateTemp("", "hosts-")
	if err != nil {
		return "", err
	}
	name, err := os.Hostname()
	if err == nil {
		_, err = fmt.Fprintf(f, "127.0.0.1 localhost\n::1 localhost\n::ffff:127.0.0.1 localhost\n127.0.0.1 %s\n", name)
	}
	return f.Name(), errors.Join(err, f.Close())
}

func median(results []result, f func(result) float64) float64 {
	var list []float64
	for _, r := range results {
		list = append(list, f(r))
	}
	slices.Sort(list)
	return list[len(list)/2]
}

func self(what string, n int, addr string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), part+"="+what+" "+strconv.Itoa(n)+" "+addr)
	return cmd
}

// round runs one head and its participants. Head: prints where it listens, and
// ends with its input. Participants: print "waiting" when all but one are there,
// and start the last on a line of input; then "all MS" and "last MS".
func (c contestant) round(n int) (r result, err error) {
	head, err := begin(c.head(n, ""))
	if err != nil {
		return r, err
	}
	defer head.end()
	addr, err := head.line()
	if err != nil {
		return r, err
	}
	if r.idle, err = memoryOf(head.cmd.Process.Pid); err != nil {
		return r, err
	}
	workers, err := begin(c.workers(n, addr))
	if err != nil {
		return r, err
	}
	defer workers.end()
	for _, to := range []*time.Duration{&r.all, &r.last} {
		text, err := workers.line()
		if err != nil {
			return r, err
		}
		ms, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return r, fmt.Errorf("%q in place of a time: %w", text, err)
		}
		*to = time.Duration(ms * float64(time.Millisecond))
	}
	r.full, err = memoryOf(head.cmd.Process.Pid)
	return r, err
}

// process is one whose lines are read.
type process struct {
	cmd *exec.Cmd
	in  interface{ Close() error }
	out *bufio.Scanner
}

func begin(cmd *exec.Cmd) (*process, error) {
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd, in, bufio.NewScanner(out)}, nil
}

func (p *process) line() (string, error) {
	if !p.out.Scan() {
		return "", fmt.Errorf("%s ended without a result", p.cmd.Path)
	}
	return strings.TrimSpace(p.out.Text()), nil
}

func (p *process) end() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

// memory is a process's, in MB.
type memory struct {
	all float64 // PSS: with what it shares counted in part
	own float64 // what is no file's
}

func memoryOf(pid int) (m memory, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(data)) {
		for name, to := range map[string]*float64{"Pss:": &m.all, "Anonymous:": &m.own} {
			if text, found := strings.CutPrefix(line, name); found {
				kb, err := strconv.ParseFloat(strings.Fields(text)[0], 64)
				if err != nil {
					return m, err
				}
				*to = kb / 1000
			}
		}
	}
	return m, nil
}
