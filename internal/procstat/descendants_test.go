package procstat

import (
	"slices"
	"testing"
)

func TestDescendants(t *testing.T) {
	all := []Stat{
		{PID: 1},
		{PID: 2, Parent: 1},
		{PID: 3, Parent: 2, State: 'Z'},
		{PID: 4, Parent: 3},
		{PID: 5, Parent: 1},
		{PID: 6, Parent: 5},
		{PID: 9, Parent: 8}, // of a process that isn't there
	}
	for _, c := range []struct {
		of, except int
		want       []int
	}{
		{1, 0, []int{2, 4, 5, 6}}, // through the dead
		{1, 5, []int{2, 4}},
		{2, 0, []int{4}},
		{6, 0, nil},
		{7, 0, nil},
	} {
		var got []int
		for _, s := range Descendants(all, c.of, c.except) {
			got = append(got, s.PID)
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("of %d, but for %d: %v, want %v", c.of, c.except, got, c.want)
		}
	}
}
