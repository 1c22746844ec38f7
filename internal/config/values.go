package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
)

// A Value is one variable as it holds, in the environment's own notation.
type Value struct {
	Name   string `json:"-"`
	Value  string `json:"value"`  // a secret is "***"; "" where nothing is set
	Source string `json:"source"` // "environment", "default", a variable, or what Fill was told
}

// Text is the value for a person: quoted and cut where it would not fit into a line
// as it is.
func (v Value) Text() string {
	if quoted := quote(v.Value); quoted != `"`+v.Value+`"` {
		return quoted
	}
	return v.Value
}

// Values is every variable in the table's order.
type Values []Value

// Values returns what holds and where it came from. After Resolve it has the
// values that depend on others too.
func (c *Config) Values() Values {
	table := variables()
	values := make(Values, len(table))
	for i, v := range table {
		s, ok := c.settings[v.name]
		if !ok {
			s = setting{text: v.def, source: SourceDefault}
		}
		values[i] = Value{Name: v.name, Value: shown(v.name, s.text), Source: s.source}
	}
	return values
}

// MarshalJSON returns an object: name → {"value": …, "source": …}.
func (vs Values) MarshalJSON() ([]byte, error) {
	object := make(map[string]Value, len(vs))
	for _, v := range vs {
		object[v.Name] = v
	}
	return json.Marshal(object)
}

// String returns an aligned table, a line for each variable.
func (vs Values) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, v := range vs {
		value := v.Text()
		if value == "" {
			value = "-"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", v.Name, value, v.Source)
	}
	_ = w.Flush()
	return b.String()
}
