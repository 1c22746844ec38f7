package conformance

func reapingCases() []Case { return nil }
