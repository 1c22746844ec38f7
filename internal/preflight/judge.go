package preflight

import (
	"slices"
	"time"
)

// Severity is how much a finding matters.
type Severity int

// The severities.
const (
	Note    Severity = iota // good to know, for who asks
	Warning                 // slower, or fails under load
	Error                   // the run can't be expected to work
)

// String is the word for it.
func (s Severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// A Finding is one thing that is wrong with one node.
type Finding struct {
	Severity Severity
	Node     string // its name
	Check    string // what was looked at
	Text     string // what was found
	Fix      string // the next step for a person
}

// Node is one node's facts.
type Node struct {
	Name  string
	Facts Facts
	// Ahead is how much the node's clock is ahead of the head's; the truth is not
	// further away than Within.
	Ahead, Within time.Duration
}

// Settings say what the nodes are for.
type Settings struct {
	Ray      bool          // Ray carries the run
	VLLM     bool          // the job is vLLM
	Path     bool          // the model is given as a path
	Deadline time.Duration // what a survey was given
}

// Judge says what is wrong with each node by itself, and where nodes differ from
// the first, which is the head. The order is the nodes'.
func Judge(s Settings, nodes []Node) []Finding {
	var all []Finding
	for i, n := range nodes {
		j := judge{Settings: s, node: n, head: nodes[0], nodes: nodes}
		for _, rule := range []func(){
			j.unfinished, j.shm, j.noFile, j.memLock, j.memory, j.disks, j.ports, j.hiddenGPUs, j.missingGPU, j.rdma, j.faster, j.model,
		} {
			rule()
		}
		if i > 0 {
			j.versions()
			j.gpus()
			j.links()
			j.clock()
			j.barred()
		}
		all = append(all, j.found...)
	}
	return all
}

// CutOff is those of Judge's findings with which no run can work: nodes that can't
// reach the first, which is the head, where all meet.
func CutOff(nodes []Node) []Finding {
	var all []Finding
	for _, n := range nodes[1:] {
		j := judge{node: n, head: nodes[0]}
		j.barred()
		all = append(all, j.found...)
	}
	return all
}

// AtLeast returns the findings of that severity and above.
func AtLeast(least Severity, found []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.Severity < least })
}

// A judge looks at one node.
type judge struct {
	Settings
	node, head Node
	nodes      []Node
	found      []Finding
}

func (j *judge) say(s Severity, check, text, fix string) {
	j.found = append(j.found, Finding{Severity: s, Node: j.node.Name, Check: check, Text: text, Fix: fix})
}
