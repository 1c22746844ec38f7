package launch

// None is the plan for a job that runs by itself on one node.
func None(args, environment []string) Plan {
	return Plan{Job: &Command{Argv: args, Env: environ(environment).without(tokenVariable, tokenFileVariable), Foreground: true}}
}

// NewRay is NewPlan for RuntimeRay.
func NewRay(s Spec) (Plan, error) {
	s.Runtime = RuntimeRay
	return NewPlan(s)
}
