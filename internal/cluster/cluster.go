package cluster

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Values of Config.Source that name no source.
const (
	Auto = "auto" // whichever tells
	None = "none" // nobody is asked
)

// Config is what Find looks at.
type Config struct {
	Source   string                            // Auto, None, or the name of the one source to ask
	Environ  []string                          // as os.Environ gives it
	Hostname string                            // this host's name
	ReadFile func(name string) ([]byte, error) // os.ReadFile, or a test's
}

// Facts is what a source tells of the nodes. Where nobody tells anything,
// Source is empty.
type Facts struct {
	Source    string     // "slurm", …
	Nodes     int        // how many
	Rank      int        // this node's, from 0; 0 is the head
	Head      string     // the head's host name or address; empty where the source doesn't tell
	HeadFrom  string     // the variable or file that tells it, for people
	NodeIP    netip.Addr // this node's own address, where told
	Interface string     // this node's interface toward the others, where told

	Names []string // of the nodes by rank, where told; each at most longestName bytes
	// Addrs are addresses that the head may have, for where its name doesn't
	// resolve, and Tried says for people where they are from, or why there are
	// none.
	Addrs []netip.Addr
	Tried string
	End   time.Time // when the scheduler ends the job; zero: it didn't say
}

// A source is somebody who may know. find returns errAbsent where the source
// has nothing to do with this process.
type source struct {
	name string
	find func(*env) (Facts, error)
	need string // for people: the variables by which the source is known
	head string // for people: where it tells the head; empty: it doesn't
}

// errAbsent says that a source did not start this process.
var errAbsent = errors.New("absent")

// sources in the order in which they are asked: those that describe the
// containers themselves before those that describe the machines under them,
// and the names that anybody may have set last.
func sources() []source {
	return []source{
		{"lws", lws, "LWS_GROUP_SIZE and LWS_WORKER_INDEX", "LWS_LEADER_ADDRESS"},
		{"aws-batch", awsBatch, "AWS_BATCH_JOB_NUM_NODES and AWS_BATCH_JOB_NODE_INDEX", "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"},
		{"skypilot", skypilot, "SKYPILOT_NUM_NODES and SKYPILOT_NODE_RANK", "SKYPILOT_NODE_IPS"},
		{"dstack", dstack, "DSTACK_NODES_NUM and DSTACK_NODE_RANK", "DSTACK_MASTER_NODE_IP"},
		{"lepton", lepton, "LEPTON_JOB_TOTAL_WORKERS and LEPTON_JOB_WORKER_INDEX", "LEPTON_JOB_WORKER_PREFIX and LEPTON_SUBDOMAIN"},
		{"runpod", runpod, "NUM_NODES, NODE_RANK and PRIMARY_ADDR", "PRIMARY_ADDR"},
		{"sagemaker", sagemaker, "the file " + sagemakerFile, sagemakerFile},
		{"slurm", slurm, "SLURM_JOB_ID and the SLURM_STEP_ variables (podman run --env 'SLURM*' passes them)", "SLURM_STEP_NODELIST"},
		{"generic", generic, "NNODES, NODE_RANK and MASTER_ADDR", "MASTER_ADDR"},
		{"openmpi", openmpi, "OMPI_COMM_WORLD_SIZE and OMPI_COMM_WORLD_RANK", ""},
		{"flux", flux, "FLUX_JOB_NNODES and FLUX_TASK_RANK", ""},
		{"lsf", lsf, "LSB_MCPU_HOSTS", "LSB_MCPU_HOSTS"},
		{"pbs", pbs, "PBS_NODEFILE", "PBS_NODEFILE"},
	}
}

// Find asks the sources. The first that applies is believed; one that applies
// too and tells another size or rank is an error that names both, for then the
// nodes might not even agree on whom to believe.
func Find(c Config) (Facts, error) {
	if c.Source == None {
		return Facts{}, nil
	}
	e := newEnv(c)
	if c.Source != Auto {
		return findOne(e, c.Source)
	}
	var first Facts
	for _, s := range sources() {
		facts, err := s.ask(e)
		switch {
		case errors.Is(err, errAbsent):
		case first.Source != "":
			// A later one's trouble is no reason to doubt the first.
			if err == nil && (facts.Nodes != first.Nodes || facts.Rank != first.Rank) {
				return Facts{}, disagree(first, facts)
			}
		case err != nil:
			return Facts{}, fmt.Errorf("%s: %w", s.name, err)
		default:
			first = facts
		}
	}
	return first, nil
}

func findOne(e *env, name string) (Facts, error) {
	all := sources()
	i := slices.IndexFunc(all, func(s source) bool { return s.name == name })
	if i < 0 {
		return Facts{}, fmt.Errorf("no source is called %q", name)
	}
	facts, err := all[i].ask(e)
	if errors.Is(err, errAbsent) {
		return Facts{}, fmt.Errorf("%s did not start this process, or its variables don't reach here: it would have set %s; next: pass them into the container, or unset SYMINIT_CLUSTER", name, all[i].need)
	}
	if err != nil {
		return Facts{}, fmt.Errorf("%s: %w", name, err)
	}
	return facts, nil
}

// longestName is what a host can be called on Linux (HOST_NAME_MAX in limits.h); a
// list of hosts may have them with a longer domain.
const longestName = 64

// NotInName reports whether a node can't be called by a name with that character:
// no log shows it as it is, or it separates names there.
func NotInName(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }

// ask has the source find the facts, with names that a host can have.
func (s source) ask(e *env) (Facts, error) {
	f, err := s.find(e)
	f.Source, f.HeadFrom = s.name, s.head
	if err != nil {
		return f, err
	}
	f.Names = slices.Clone(f.Names)
	for i, name := range f.Names {
		if strings.ContainsFunc(name, NotInName) {
			return f, fmt.Errorf("the name %.20q of rank %d has a character that a host's can't have; next: correct it (%s), or set SYMINIT_CLUSTER=none, SYMINIT_NODES, SYMINIT_RANK and SYMINIT_HEAD", name, i, s.need)
		}
		if len(name) <= longestName {
			continue
		}
		if name, _, _ = strings.Cut(name, "."); len(name) > longestName {
			return f, fmt.Errorf("the name %.20q... of rank %d is longer than the %d bytes that a host's can have; next: correct it (%s), or set SYMINIT_CLUSTER=none, SYMINIT_NODES, SYMINIT_RANK and SYMINIT_HEAD", name, i, longestName, s.need)
		}
		f.Names[i] = name
	}
	return f, nil
}

func disagree(a, b Facts) error {
	tell := func(f Facts) string { return fmt.Sprintf("%s says rank %d of %d nodes", f.Source, f.Rank, f.Nodes) }
	return fmt.Errorf("%s, and %s; next: name the right one in SYMINIT_CLUSTER on every node (%s or %s), or unset the variables of the other",
		tell(a), tell(b), a.Source, b.Source)
}

// ranked checks a size and a rank against each other.
func ranked(f Facts, size, rank string) (Facts, error) {
	if f.Rank >= f.Nodes {
		return Facts{}, fmt.Errorf("%s is %d, and %s is %d; next: pass both on as they were set for this node", rank, f.Rank, size, f.Nodes)
	}
	return f, nil
}

// position finds this host in a list of the nodes: by its name, the first label
// alone where one of the two has no domain.
func (e *env) position(names []string, from string) (int, error) {
	at := -1
	for i, name := range names {
		if !sameHost(name, e.hostname) {
			continue
		}
		if at >= 0 {
			return 0, fmt.Errorf("%s fits %s and %s of %s; next: set SYMINIT_RANK, SYMINIT_NODES and SYMINIT_HEAD", shown(e.hostname), shown(names[at]), shown(name), from)
		}
		at = i
	}
	if at < 0 {
		return 0, fmt.Errorf("this host is %s, which is not in %s (%s); next: start syminit on those hosts, with the host's own name in the container (--network host, or --uts host), or set SYMINIT_RANK, SYMINIT_NODES and SYMINIT_HEAD",
			shown(e.hostname), from, shorten(names))
	}
	return at, nil
}

// sameHost reports whether two names are one host's. n1.a and n1.b are two.
func sameHost(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	shortA, _, _ := strings.Cut(a, ".")
	shortB, _, _ := strings.Cut(b, ".")
	return a != "" && (a == b || a == shortB || b == shortA)
}

// shorten lists names for an error's text.
func shorten(names []string) string {
	const most = 8
	texts := make([]string, min(len(names), most))
	for i := range texts {
		texts[i] = shown(names[i])
	}
	text := strings.Join(texts, ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// shown is a word for an error's text, quoted where it is none.
func shown(word string) string {
	if len(word) > longestName || word == "" || strings.ContainsFunc(word, NotInName) {
		return fmt.Sprintf("%.40q", word)
	}
	return word
}
