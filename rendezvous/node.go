package rendezvous

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

// NoRank is the Rank of a node that was given none.
const NoRank = -1

const (
	maxNodes     = 6000    // a roster of as many nodes fits into a frame, whatever they are called
	maxPayload   = 1 << 18 // bytes
	maxName      = 64      // bytes; Linux has no longer host names (HOST_NAME_MAX)
	maxMatches   = 64
	namesInTexts = 8 // a text for people names no more nodes than this
)

// Node is one member of a run.
type Node struct {
	// Name is what people call the node, for messages: 1 to 64 printable ASCII
	// characters without white space. It need not be unique.
	Name string `json:"name"`
	// Addr is the address at which other nodes reach this one. Zero: a
	// worker's is the one it dialed from, the head's is the one at which the
	// first worker reached it, but loopback only where all did.
	Addr netip.Addr `json:"addr,omitzero"`
	// Rank is the rank that a scheduler gave to the node, or [NoRank].
	Rank int `json:"rank"`
	// Match is compared with the head's. A Roster has none.
	Match []Match `json:"match,omitempty"`
	// Gone says of a roster's node that it was lost and its place is empty.
	Gone bool `json:"-"`
}

// Match is a value that must be the same on the head and on a worker.
type Match struct {
	Name  string `json:"name"`
	Value string `json:"value"` // empty: not known here, so not compared. A refusal shows it.
	Fix   string `json:"-"`     // the next step for a person when it differs; the head's is shown
}

// String names the node for people: name and address.
func (n Node) String() string {
	if !n.Addr.IsValid() {
		return n.Name
	}
	return fmt.Sprintf("%s (%s)", n.Name, n.Addr)
}

func (n Node) check() error {
	if err := checkWord("name", n.Name); err != nil {
		return err
	}
	if n.Rank < NoRank || n.Rank >= maxNodes {
		return fmt.Errorf("node %s: rank %d, accepted is %d (none) to %d", n.Name, n.Rank, NoRank, maxNodes-1)
	}
	if len(n.Match) > maxMatches {
		return fmt.Errorf("node %s: %d values to match, at most %d", n.Name, len(n.Match), maxMatches)
	}
	return nil
}

// checkWord accepts what stands in a log line and in a roster as it is: no
// separator, nothing that JSON would escape.
func checkWord(what, s string) error {
	bad := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r)
	})
	if len(s) == 0 || len(s) > maxName || bad >= 0 {
		return fmt.Errorf(`node %s %q: accepted are 1 to %d printable ASCII characters, no white space, none of "\<>&`,
			what, s, maxName)
	}
	return nil
}

// Place is a rank in one run.
type Place struct {
	RunID string `json:"run"`
	Rank  int    `json:"rank"`
}

// Roster is what the nodes of a run agree on. It is the same on every node.
type Roster struct {
	RunID   string          // random, one for each [Head]
	Nodes   []Node          // index = rank; [0] is the head
	Payload json.RawMessage // what the head gave in [HeadConfig]; nil if nothing
}

// change gives places to nodes, the next rank to one more, and then makes those
// empty that are.
func (r *Roster) change(c change) error {
	for _, n := range c.Came {
		switch {
		case n.Rank < 1 || n.Rank > len(r.Nodes) || n.Rank >= maxNodes || n.check() != nil:
			return nonsense(fmt.Sprintf("rank %d has come to a roster of %d nodes", n.Rank, len(r.Nodes)))
		case n.Rank == len(r.Nodes):
			r.Nodes = append(r.Nodes, Node{})
		}
		r.Nodes[n.Rank] = Node{Name: n.Name, Addr: n.Addr, Rank: n.Rank}
	}
	for _, rank := range c.Gone {
		if rank < 1 || rank >= len(r.Nodes) {
			return nonsense(fmt.Sprintf("rank %d is lost of a roster of %d nodes", rank, len(r.Nodes)))
		}
		r.Nodes[rank].Gone = true
	}
	return nil
}

// named names nodes for people, not more than a line can hold.
func named(nodes []Node) string {
	words := make([]string, 0, namesInTexts)
	for _, n := range nodes {
		if len(words) == namesInTexts {
			break
		}
		words = append(words, n.String())
	}
	return enumerate(words, len(nodes))
}

// enumerate puts words of a list of total items into one line.
func enumerate(words []string, total int) string {
	text := strings.Join(words[:min(len(words), namesInTexts)], ", ")
	if more := total - namesInTexts; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
