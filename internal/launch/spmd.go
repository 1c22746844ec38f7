package launch

import "slices"

// planSPMD runs the job on every node, with the variables that torch and what
// is like it read for a node's place among the others.
func planSPMD(s *Spec) (Plan, error) {
	job := s.everywhere()
	job.Foreground = true
	return Plan{Job: &job}, nil
}

// everywhere is the job as it runs on each of the nodes, without another
// runtime under it.
func (s *Spec) everywhere() Command {
	env := environ(s.Env).with(s.inherited()...).replacing(s.facts()...).with(s.defaults()...)
	return Command{Argv: expand(s.Job, slices.Concat(s.facts(), s.defaults()), env), Env: env}
}
