package launch

import "slices"

// planSPMD runs the job on every node, with the variables that torch and what
// is like it read for a node's place among the others.
func planSPMD(s *Spec) (Plan, error) {
	job, warnings := s.everywhere()
	job.Foreground = true
	return Plan{Job: &job, Warnings: warnings}, nil
}

// everywhere is the job as it runs on each of the nodes, without another
// runtime under it, and what to warn of.
func (s *Spec) everywhere() (job Command, warnings []string) {
	env, warnings := s.ownHostIP(s.environ())
	return Command{Argv: expand(s.Job, slices.Concat(s.facts(), s.defaults()), env), Env: env}, warnings
}

// environ is what every process of a run gets: the caller's, the head's where the
// caller has none, this node's place in the run.
func (s *Spec) environ() environ {
	return environ(s.Env).with(s.inherited()...).replacing(s.facts()...).with(s.defaults()...)
}
