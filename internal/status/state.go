package status

import (
	"context"
	"errors"
	"time"
)

// Running is the one state in which a node can be ready.
const Running = "running"

// rosterMost is how many nodes a State lists: one is written at each change.
const rosterMost = 32

// A State is what a node tells of its run. Nothing in it is secret.
type State struct {
	Version string    `json:"version"`
	Node    string    `json:"node"`  // this node's name
	State   string    `json:"state"` // as the log has it; "" before the first
	Since   time.Time `json:"since"`
	Run     string    `json:"run,omitempty"`  // the run's id; none on one node
	Attempt int       `json:"attempt"`        // which run this is, in this container; from 1
	Last    string    `json:"last,omitempty"` // why the run before this one ended
	Runtime string    `json:"runtime,omitempty"`
	Rank    int       `json:"rank"`              // -1: not agreed yet
	Nodes   int       `json:"nodes"`             // in the run; before that, how many it needs
	Roster  []Node    `json:"roster"`            // the first of them
	Waiting string    `json:"waiting,omitempty"` // what for
	Ending  string    `json:"ending,omitempty"`  // why, from the first moment on
	Health  *Health   `json:"health,omitempty"`  // nil: the job is no server that says whether it serves
}

// A Node is one of the roster's.
type Node struct {
	Rank int    `json:"rank"`
	Name string `json:"name"`
	Addr string `json:"addr,omitempty"`
}

// Health is where the job says whether it serves.
type Health struct {
	URL    string `json:"url"`
	Socket string `json:"socket,omitempty"` // the Unix socket that leads there
}

// List makes nodes the roster, or the first of them.
func (s *State) List(nodes []Node) {
	s.Nodes = len(nodes)
	s.Roster = append([]Node{}, nodes[:min(len(nodes), rosterMost)]...)
}

// notRunning is why the run is not one to be ready; nil if it is.
func (s *State) notRunning() error {
	switch {
	case s.Ending != "":
		return errors.New("the run ends: " + s.Ending)
	case s.State == "":
		return errors.New("syminit is starting")
	case s.State != Running && s.Waiting != "":
		return errors.New(s.State + ": " + s.Waiting)
	case s.State != Running:
		return errors.New(s.State)
	}
	return nil
}

// Ready returns nil where the run is running, and the job, where it says so at
// all, serves; otherwise why not. It may take as long as ctx allows.
func (s *State) Ready(ctx context.Context) error {
	if err := s.notRunning(); err != nil || s.Health == nil {
		return err
	}
	return probe(ctx, *s.Health)
}
