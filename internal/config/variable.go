package config

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caarlos0/env/v10"
)

// Prefix starts the name of every variable of syminit's.
const Prefix = "SYMINIT_"

// Names that code in this package refers to.
const (
	nameHead      = Prefix + "HEAD"
	nameNodes     = Prefix + "NODES"
	nameMaxNodes  = Prefix + "MAX_NODES"
	nameRole      = Prefix + "ROLE"
	nameRank      = Prefix + "RANK"
	nameRuntime   = Prefix + "RUNTIME"
	namePort      = Prefix + "PORT"
	nameToken     = Prefix + "TOKEN"
	nameTokenFile = Prefix + "TOKEN_FILE"
	nameInsecure  = Prefix + "INSECURE"
	nameRayPort   = Prefix + "RAY_PORT"
	nameWaitAll   = Prefix + "WAIT_ALL"
	nameOnLoss    = Prefix + "ON_LOSS"

	nameRayStartArgs = Prefix + "RAY_START_ARGS"

	nameStopTimeout = Prefix + "STOP_TIMEOUT"
	nameEndMargin   = Prefix + "END_MARGIN"
)

// outputs are set by syminit for the job: a syminit that a job starts again doesn't
// take them for misspelt settings. Of a run of several nodes it ends with 64 all the
// same, for the secret isn't passed on.
var outputs = []string{Prefix + "HEAD_IP", Prefix + "NODE_IPS"}

// A variable is one row of the table that Config's fields and tags are.
type variable struct {
	name     string // with the prefix
	field    string // of Config
	typ      reflect.Type
	def      string // "" : none
	unset    string // what holds where there is no default
	oneof    []string
	min, max string
	accepts  string
	doc      string
}

// variables returns the table in the order of Config's fields. Nobody changes
// it; it is made once because that takes reflection over all of Config.
var variables = sync.OnceValue(func() []*variable {
	// Parameters are read from the tags alone, so this fails only on a mistake
	// in them, which the tests would show as an empty table.
	params, _ := env.GetFieldParamsWithOptions(&Config{}, env.Options{Prefix: Prefix, Environment: map[string]string{}})
	byKey := make(map[string]reflect.StructField, len(params))
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		byKey[f.Tag.Get("env")] = f
	}
	table := make([]*variable, len(params))
	for i, p := range params {
		f := byKey[p.OwnKey]
		table[i] = &variable{
			name: p.Key, field: f.Name, typ: f.Type, def: p.DefaultValue,
			unset: f.Tag.Get("unset"), oneof: strings.Fields(f.Tag.Get("oneof")),
			min: f.Tag.Get("min"), max: f.Tag.Get("max"), accepts: f.Tag.Get("accepts"),
			doc: f.Tag.Get("doc"),
		}
	}
	return table
})

// row returns one row of the table.
func row(name string) *variable {
	table := variables()
	return table[slices.IndexFunc(table, func(v *variable) bool { return v.name == name })]
}

// accepted describes the values that the variable takes.
func (v *variable) accepted() string {
	switch {
	case v.accepts != "":
		return v.accepts
	case len(v.oneof) > 0:
		return either(v.oneof)
	case v.typ == reflect.TypeFor[bool]():
		return "true or false"
	case v.typ == reflect.TypeFor[time.Duration]():
		return fmt.Sprintf("a duration from %s to %s, such as 90s, 10m or 1h30m", v.min, v.max)
	default:
		return fmt.Sprintf("a whole number from %s to %s", v.min, v.max)
	}
}

// normal returns the value as it is parsed: words from a fixed list are taken
// in upper case too, and a host's name of one part with a final dot, which the
// hosts file doesn't have.
func (v *variable) normal(value string) string {
	if v.name == nameHead && strings.Count(value, ".") == 1 {
		return strings.TrimSuffix(value, ".")
	}
	if lower := strings.ToLower(value); slices.Contains(v.oneof, lower) {
		return lower
	}
	return value
}

// unparsable puts the parser's error, which speaks of Go's types, into words.
func (v *variable) unparsable(text string, err error) *fault {
	if f, ok := errors.AsType[*fault](err); ok {
		return f
	}
	_, notNumber := strconv.ParseUint(text, 10, 31)
	switch v.typ {
	case reflect.TypeFor[time.Duration]():
		if notNumber == nil {
			return &fault{reason: "a number without a unit", next: "write " + text + "s if you mean seconds"}
		}
		return &fault{reason: "not a duration"}
	case reflect.TypeFor[bool]():
		return &fault{reason: "neither true nor false"}
	case reflect.TypeFor[netip.Addr]():
		return &fault{reason: "not an IP address"}
	case reflect.TypeFor[int](), reflect.TypeFor[uint16]():
		if strings.Trim(text, "+-0123456789") == "" {
			return &fault{reason: "out of range"}
		}
		return &fault{reason: "not a whole number"}
	}
	return &fault{reason: err.Error()}
}

// check holds a value, as text and as parsed, against the tags' limits.
func (v *variable) check(text string, parsed any) *fault {
	if len(v.oneof) > 0 && !slices.Contains(v.oneof, text) {
		return &fault{reason: "not one of the accepted words"}
	}
	switch x := parsed.(type) {
	case int:
		return v.checkInt(int64(x))
	case uint16:
		return v.checkInt(int64(x))
	case time.Duration:
		least, _ := time.ParseDuration(v.min)
		most, _ := time.ParseDuration(v.max)
		switch {
		case x < least:
			return &fault{reason: "too short"}
		case x > most:
			return &fault{reason: "too long"}
		}
	}
	return nil
}

func (v *variable) checkInt(n int64) *fault {
	least, _ := strconv.ParseInt(v.min, 10, 64)
	most, _ := strconv.ParseInt(v.max, 10, 64)
	if n < least || n > most {
		return &fault{reason: "out of range"}
	}
	return nil
}

// either joins words as "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
