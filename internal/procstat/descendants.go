package procstat

// Descendants returns those of all that a process started, that these did, and so on:
// not the dead, and not the one of number except, nor what descends from that.
func Descendants(all []Stat, of, except int) []Stat {
	children := make(map[int][]Stat)
	for _, s := range all {
		if s.PID != except {
			children[s.Parent] = append(children[s.Parent], s)
		}
	}
	var list []Stat
	for next := children[of]; len(next) > 0; next = next[1:] {
		next = append(next, children[next[0].PID]...)
		if !next[0].Dead() {
			list = append(list, next[0])
		}
	}
	return list
}
