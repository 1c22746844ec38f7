package conformance

import (
	"strconv"
	"strings"
)

// longestZombie is how old a zombie may get: far more than the second that is
// the goal, for the machine may be busy with other things.
const longestZombie = 10.0 // seconds

func reapingCases() []Case {
	return []Case{
		{Name: "5,000 orphans at once are reaped, the job's code is kept", check: orphans(5000, 1)},
		{Name: "20,000 orphans in a stream are reaped, the job's code is kept", check: orphans(100, 200)},
		{Name: "zombies from before the init's start are reaped, though no other child ends", check: func(t *Trial) {
			r := t.start(setup{Dead: 20}, t.python(zombiesJob)...)
			r.expect("none")
			r.exits(0)
		}},
		{Name: "zombies from before are reaped with CHLD ignored and blocked too", check: func(t *Trial) {
			r := t.start(setup{Dead: 5, Blocked: []int{17}, Ignored: []int{17}}, t.python(zombiesJob)...)
			r.expect("none")
			r.exits(0)
		}},
		{Name: "an orphan's orphan is reaped while the job runs", check: func(t *Trial) {
			r := t.start(setup{}, t.python(`import os
if os.fork() == 0:
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os._exit(0)
os.wait()
`+zombiesJob)...)
			r.expect("none")
			r.exits(0)
		}},
		{Name: "the code of a job that ends amid ending orphans is never lost", check: func(t *Trial) {
			for range 25 {
				t.start(setup{}, shell(`for i in 1 2 3 4 5 6 7 8; do (sh -c 'exit 3' &); done; exit 37`)...).exits(37)
			}
		}},
	}
}

func orphans(each, rounds int) func(*Trial) {
	return func(t *Trial) {
		t.Patience *= 4 // it is much work
		r := t.start(setup{}, t.python(orphansJob, strconv.Itoa(each), strconv.Itoa(rounds))...)
		text, ok := strings.CutPrefix(r.line(), "oldest ")
		if !ok {
			t.Fatalf("zombies stay; the init: %s", r.log())
		}
		oldest, err := strconv.ParseFloat(text, 64)
		t.must("read the job's output", err)
		if oldest > longestZombie {
			t.Errorf("a zombie was there for %.1f s", oldest)
		}
		r.exits(37)
	}
}
