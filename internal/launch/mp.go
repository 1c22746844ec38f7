package launch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// vLLM's own defaults, which are given all the same: every node has to have the
// same (ParallelConfig in vllm/config/parallel.py, 0.32).
const (
	vllmMasterPort uint16 = 29501
	vllmDataPort   uint16 = 29550
)

// planMP runs `vllm serve` on every node with the options that make one server
// of them, where the command lacks them.
func planMP(s *Spec) (Plan, error) {
	job, warnings := s.everywhere()
	at := afterServe(job.Argv)
	if at == 0 {
		return Plan{}, notServe(job.Argv)
	}
	plan := Plan{Job: &job, Warnings: warnings}
	// On a worker nobody is at the keyboard, and what a terminal sends to all of
	// its foreground would not reach the head.
	job.Foreground = s.Rank == 0
	line, _ := readServe(job.Argv)
	sp := spread{line: line, nodes: len(s.Addrs), rank: s.Rank, spec: s}
	if sp.nodes > 1 {
		if err := sp.arrange(); err != nil {
			return Plan{}, err
		}
	}
	job.Argv = slices.Concat(job.Argv[:at], sp.words())
	plan.Headless = slices.Contains(sp.add, optHeadless.long)
	plan.Warnings = append(plan.Warnings, sp.warnings...)
	return plan, nil
}

// notServe says why a command can't be spread with vLLM's own backend.
func notServe(command []string) error {
	if IsVLLMServe(command) {
		return errors.New("SYMINIT_RUNTIME=mp needs `vllm serve`: the old entry points, run with python -m, ignore --headless (vllm-project/vllm#36875); give the same options to `vllm serve`, or set SYMINIT_RUNTIME to ray")
	}
	return errors.New("SYMINIT_RUNTIME=mp is vLLM's own backend, and the command isn't `vllm serve MODEL`; call it by that name, not within a shell's -c, or set SYMINIT_RUNTIME to ray or spmd")
}

// spread is the command line of one node of a server.
type spread struct {
	spec        *Spec
	line        serveLine // as the user has it
	nodes, rank int
	add         []string
	warnings    []string
	err         error // the first conflict
}

// words are the line with what was added, which would be no option behind "--".
func (s *spread) words() []string {
	end := len(s.line.given)
	if i := slices.Index(s.line.given, "--"); i >= 0 {
		end = i
	}
	return slices.Concat(s.line.given[:end], s.add, s.line.given[end:])
}

// arrange finds out which way the server is spread, and adds the options.
func (s *spread) arrange() error {
	if w, ok := s.line.find(optExecutor); ok && w.value != "mp" && w.value != "uni" {
		s.conflict(w, "SYMINIT_RUNTIME=mp, which is vLLM's own backend", "leave one of the two out")
	}
	if w, ok := s.line.find(optDataBackend); ok && w.value != "mp" {
		s.conflict(w, "SYMINIT_RUNTIME=mp, which is vLLM's own backend", "leave one of the two out")
	}
	if w, ok := s.line.find(optHeadless); ok {
		s.conflict(w, "the same command runs on the head, which serves", "leave the option out: syminit adds it where it belongs")
	}
	size, _ := s.line.number(optData, 1)
	switch {
	case s.line.spansNodes(size, s.nodes):
		s.overNodes()
	case size%s.nodes == 0:
		s.dataParallel(size)
	default:
		w, _ := s.line.find(optData)
		s.conflict(w, fmt.Sprintf("there are %d nodes (SYMINIT_NODES), of which each would get as many replicas", s.nodes), fmt.Sprintf("make it a multiple of %d", s.nodes))
	}
	return s.err
}

// spansNodes reports whether one replica of the model is spread over several of
// so many nodes; else each node has whole ones.
func (l serveLine) spansNodes(replicas, nodes int) bool {
	return replicas < 2 || l.has(optNodes) || l.has(optNodeRank) || replicas < nodes && nodes%replicas == 0
}

// Meeting is where the nodes of vLLM's own backend meet.
type Meeting struct {
	Port   uint16
	Option string // of `vllm serve`, which sets the port
	Addr   string // as the command has it; "": the head's
}

// MeetingOf returns where vLLM's own backend meets on so many nodes.
func MeetingOf(command []string, nodes int) Meeting {
	line, _ := readServe(sized(command, nodes))
	port, def, addr := optDataPort, vllmDataPort, optDataAddr
	if size, _ := line.number(optData, 1); line.spansNodes(size, nodes) {
		port, def, addr = optPort, vllmMasterPort, optAddr
	}
	m := Meeting{Port: def, Option: port.long, Addr: line.value(addr)}
	if w, ok := line.find(port); ok {
		m.Port, _ = portNumber(w.value) // of another text vLLM complains
	}
	if m.Addr == "$("+headIP+")" { // not replaced yet
		m.Addr = ""
	}
	return m
}

// overNodes spreads each replica's workers, or the replicas with all their
// workers: vLLM finds out which from the sizes.
func (s *spread) overNodes() {
	if w, ok := s.line.balancer(); ok {
		s.conflict(w, fmt.Sprintf("--nnodes %d, whose other nodes have no server", s.nodes), "leave it out, or set SYMINIT_RUNTIME=spmd and give every option yourself, with $(NODE_RANK) and the like")
	}
	s.checkWorkers()
	s.want(optNodes, s.nodes, "SYMINIT_NODES is "+strconv.Itoa(s.nodes))
	s.want(optNodeRank, s.rank, fmt.Sprintf("rank %d has the same command", s.rank))
	s.address(optAddr)
	s.offer(optPort, strconv.Itoa(int(vllmMasterPort)))
	s.headless()
}

// checkWorkers refuses what vLLM would after half a minute: one process for each
// part of the model, and as many on each node.
func (s *spread) checkWorkers() {
	if workers, known := s.line.workers(); known && workers%s.nodes != 0 && s.err == nil {
		s.err = fmt.Errorf("the command asks for %d worker(s), and there are %d nodes (SYMINIT_NODES), of which each would get as many: make the product of --tensor-parallel-size (-tp), --pipeline-parallel-size (-pp) and --data-parallel-size (-dp) a multiple of %d", workers, s.nodes, s.nodes)
	}
}

// dataParallel gives each node as many whole replicas of the model. Without a
// load balancer of the user's choice the head's server has all of them.
func (s *spread) dataParallel(size int) {
	local := size / s.nodes
	start := s.rank * local
	balanced, ok := s.line.balancer()
	external := s.line.has(optDataExternal) || s.line.has(optDataRank)
	if external && local > 1 {
		s.conflict(balanced, fmt.Sprintf("%d replicas on each of %d nodes, for one server each", local, s.nodes), fmt.Sprintf("use --data-parallel-multi-port-external-lb, or --data-parallel-size %d", s.nodes))
	}
	s.want(optDataLocal, local, fmt.Sprintf("--data-parallel-size %d over %d nodes (SYMINIT_NODES) is %d on each", size, s.nodes, local))
	s.address(optDataAddr)
	s.offer(optDataPort, strconv.Itoa(int(vllmDataPort)))
	why := fmt.Sprintf("rank %d has the same command", s.rank)
	switch {
	case external:
		s.want(optDataRank, start, why)
	case ok:
		s.want(optDataStart, start, why)
	case s.rank > 0: // on the head it would stand for a load balancer
		s.want(optDataStart, start, why)
		s.headless()
	}
}

// balancer returns where the command asks for a server on every node, in place
// of one on the head.
func (l serveLine) balancer() (w written, ok bool) {
	for _, o := range []option{optDataExternal, optDataRank, optDataHybrid, optDataMultiPort, optDataStart} {
		if w, ok = l.find(o); ok {
			break
		}
	}
	return w, ok
}

// headless makes a node one without a server, unless it is the head. vLLM
// refuses a number of servers there.
func (s *spread) headless() {
	if s.rank > 0 {
		s.line = s.line.without(optServers)
		if s.line.has(optServers) { // in the file
			s.add = append(s.add, optServers.long, "0")
		}
		s.add = append(s.add, optHeadless.long)
	}
}

// want gives an option the one value that is right, and refuses another.
func (s *spread) want(o option, value int, why string) {
	w, ok := s.line.find(o)
	n, number := integer(w.value)
	switch {
	case !ok:
		s.add = append(s.add, o.long, strconv.Itoa(value))
	case number && n != value: // of what isn't one vLLM complains
		s.conflict(w, why, "leave the option out: syminit adds it")
	}
}

// offer gives an option a value where it has none.
func (s *spread) offer(o option, value string) {
	if !s.line.has(o) {
		s.add = append(s.add, o.long, value)
	}
}

// address gives an option the head's address. The user's may be another of the
// head's, or a name.
func (s *spread) address(o option) {
	head := s.spec.Addrs[0].String()
	w, ok := s.line.find(o)
	if ok && w.value != head {
		s.warnings = append(s.warnings, fmt.Sprintf("%s is used in place of %s, the head's address for syminit; it has to be the head's too", w, head))
	}
	s.offer(o, head)
}

// conflict notes, if it is the first, that what the user wrote can't be.
func (s *spread) conflict(w written, with, next string) {
	if s.err == nil {
		s.err = fmt.Errorf("the command has %s, but %s: %s", w, with, next)
	}
}
