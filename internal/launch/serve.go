package launch

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// option is an option of `vllm serve`, by the names that vLLM has for it
// (vllm/engine/arg_utils.py and vllm/entrypoints/launchers/cli_args.py, 0.32).
type option struct {
	long, short string
	flag        bool // takes no value
}

// The options that say how a server is spread over nodes, and what it answers.
var (
	optNodes    = option{long: "--nnodes", short: "-n"}
	optNodeRank = option{long: "--node-rank", short: "-r"}
	optAddr     = option{long: "--master-addr"}
	optPort     = option{long: "--master-port"}
	optHeadless = option{long: "--headless", flag: true}
	optServers  = option{long: "--api-server-count", short: "-asc"}
	optExecutor = option{long: "--distributed-executor-backend"}
	optGRPC     = option{long: "--grpc", flag: true}

	optModel = option{long: "--model"}
	optHost  = option{long: "--host"}
	optServe = option{long: "--port"}
	optUDS   = option{long: "--uds"}
	optTLS   = option{long: "--ssl-certfile"}

	optSupervisor = option{long: "--data-parallel-supervisor-port"}

	optTensor   = option{long: "--tensor-parallel-size", short: "-tp"}
	optPipeline = option{long: "--pipeline-parallel-size", short: "-pp"}
	optPrefill  = option{long: "--prefill-context-parallel-size", short: "-pcp"}

	optData          = option{long: "--data-parallel-size", short: "-dp"}
	optDataRank      = option{long: "--data-parallel-rank", short: "-dpn"}
	optDataStart     = option{long: "--data-parallel-start-rank", short: "-dpr"}
	optDataLocal     = option{long: "--data-parallel-size-local", short: "-dpl"}
	optDataAddr      = option{long: "--data-parallel-address", short: "-dpa"}
	optDataPort      = option{long: "--data-parallel-rpc-port", short: "-dpp"}
	optDataBackend   = option{long: "--data-parallel-backend", short: "-dpb"}
	optDataHybrid    = option{long: "--data-parallel-hybrid-lb", short: "-dph", flag: true}
	optDataExternal  = option{long: "--data-parallel-external-lb", short: "-dpe", flag: true}
	optDataMultiPort = option{long: "--data-parallel-multi-port-external-lb", short: "-dpm", flag: true}
)

// all are the options above.
func all() []option {
	return []option{
		optNodes, optNodeRank, optAddr, optPort, optHeadless, optServers, optExecutor, optGRPC,
		optModel, optHost, optServe, optUDS, optTLS, optTensor, optPipeline, optPrefill,
		optData, optDataRank, optDataStart, optDataLocal, optDataAddr, optDataPort, optDataBackend,
		optDataHybrid, optDataExternal, optDataMultiPort, optSupervisor,
	}
}

// spelledOut returns a word with an option's whole name in place of a beginning
// that no other has. Where another of vLLM's own has it too, vLLM refuses it.
func spelledOut(word string) string {
	name, value, inline := strings.Cut(word, "=")
	if strings.HasPrefix(name, "--") {
		name = strings.ReplaceAll(name, "_", "-")
	}
	if len(name) < 2 || name[0] != '-' || name == "--" {
		return word
	}
	var whole []string
	for _, o := range all() {
		for _, full := range []string{o.long, o.short} {
			if full == name {
				return word
			}
			if strings.HasPrefix(full, name) {
				whole = append(whole, full)
			}
		}
	}
	switch {
	case len(whole) != 1:
		return word
	case inline:
		return whole[0] + "=" + value
	}
	return whole[0]
}

// serveLine is what says how a server runs: what follows `vllm serve`, and the
// file that its --config names.
type serveLine struct {
	given []string // on the command line
	file  configFile
	vllm  bool // reads it; else it is another program's, and its options are its own
}

// written is one place where an option stands.
type written struct {
	at, words int // index on the command line, and how many words it takes there
	value     string
	text      string // as somebody wrote it
	file      string // that has it; "" for the command line
}

func (w written) String() string {
	if w.file != "" {
		return fmt.Sprintf("%#q in %s", w.text, w.file)
	}
	return fmt.Sprintf("%#q", w.text)
}

// find returns where an option stands. As for vLLM the command line counts more
// than the file, and the last place more than the others.
func (l serveLine) find(o option) (w written, ok bool) {
	if w, ok = l.onLine(o); ok || w.text != "" {
		return w, ok
	}
	for _, e := range l.file.entries {
		if value, _, match := o.match(spelledOut(e.word)); match {
			w, ok = written{value: value, text: e.text, file: l.file.path}, true
		}
	}
	return w, ok
}

// onLine is find without the file. vLLM takes underscores for dashes in a long
// name, and "=" before the value; argparse also a number right behind a name of
// one letter, and a beginning of a name for the whole. Of a flag that is taken
// back only the text is returned. What follows its "--" is no option.
func (l serveLine) onLine(o option) (w written, ok bool) {
	for i := 0; i < len(l.given); i++ {
		word := l.given[i]
		name := word
		if l.vllm {
			if word == "--" {
				break
			}
			name = spelledOut(word)
		}
		value, inline, match := o.match(name)
		switch {
		case o.negates(name):
			w, ok = written{at: i, words: 1, text: word}, false
		case !match:
		case o.flag || inline:
			w, ok = written{at: i, words: 1, value: value, text: word}, true
		case i+1 < len(l.given) && (!l.vllm || !looksLikeOption(l.given[i+1])):
			w, ok = written{at: i, words: 2, value: l.given[i+1], text: word + " " + l.given[i+1]}, true
			i++
		}
	}
	return w, ok
}

// looksLikeOption reports whether argparse takes a word for an option, known or
// not, and never for a value: vLLM then says that the value is missing.
func looksLikeOption(word string) bool {
	if len(word) < 2 || word[0] != '-' || strings.Contains(word, " ") {
		return false
	}
	_, err := strconv.ParseFloat(word, 64)
	return err != nil
}

// match reports whether a word is the option, and the value that it has within
// the word.
func (o option) match(word string) (value string, inline, ok bool) {
	name, value, inline := strings.Cut(word, "=")
	if strings.HasPrefix(name, "--") {
		return value, inline, strings.ReplaceAll(name, "_", "-") == o.long
	}
	if o.short == "" {
		return "", false, false
	}
	if name == o.short {
		return value, inline, true
	}
	rest, found := strings.CutPrefix(word, o.short)
	if _, number := integer(rest); found && len(o.short) == 2 && number {
		return rest, true, true
	}
	return "", false, false
}

// negates reports whether a word takes a flag back.
func (o option) negates(word string) bool {
	return o.flag && strings.ReplaceAll(word, "_", "-") == "--no-"+strings.TrimPrefix(o.long, "--")
}

// lastOption returns the value of an option without a short name, "" where there
// is none.
func lastOption(command []string, long string) string {
	return serveLine{given: command}.value(option{long: long})
}

// value returns an option's, "" where there is none.
func (l serveLine) value(o option) string {
	w, _ := l.find(o)
	return w.value
}

func (l serveLine) has(o option) bool {
	_, ok := l.find(o)
	return ok
}

// number returns an option's value, def where it has none, and false where it
// can't be told: then it is vLLM's to complain about.
func (l serveLine) number(o option, def int) (n int, known bool) {
	w, ok := l.find(o)
	if !ok {
		return def, !l.file.unread()
	}
	if n, known = integer(w.value); !known {
		return def, false
	}
	return n, true
}

// integer reads a number as Python's int does.
func integer(text string) (n int, ok bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "_") && !strings.HasSuffix(text, "_") && !strings.Contains(text, "__") {
		text = strings.ReplaceAll(text, "_", "")
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// without returns the line without an option, wherever it stands on it.
func (l serveLine) without(o option) serveLine {
	l.given = slices.Clone(l.given)
	for w, ok := l.onLine(o); ok; w, ok = l.onLine(o) {
		l.given = slices.Delete(l.given, w.at, w.at+w.words)
	}
	return l
}

// readServe returns how the vLLM server that a command starts runs, and false
// where it starts none.
func readServe(command []string) (line serveLine, ok bool) {
	at := max(afterServe(command), afterModule(command))
	line.given = command[at:]
	if line.vllm = at > 0; line.vllm {
		line.file = readConfig(line.given)
	}
	return line, line.vllm
}

// afterServe returns the index of what follows `vllm serve`, or the module
// behind it (vllm/entrypoints/cli/main.py); 0 where the command isn't that.
func afterServe(command []string) int {
	for i, word := range command {
		switch rest := command[i+1:]; {
		case filepath.Base(word) == "vllm" && begins(rest, "serve"):
			return i + 2
		case word == "-m" && begins(rest, "vllm.entrypoints.cli.main", "serve"):
			return i + 3
		}
	}
	return 0
}

// afterModule returns the index of what follows a module that is a server by
// itself; 0 where there is none. They are vLLM 0.32's and those that came before.
func afterModule(command []string) int {
	modules := []string{"openai.api_server", "launchers.api_server.entry", "api_server", "grpc_server", "launchers.grpc_server"}
	for i, word := range command[:max(len(command)-1, 0)] {
		module, ok := strings.CutPrefix(command[i+1], "vllm.entrypoints.")
		if ok && word == "-m" && slices.Contains(modules, module) {
			return i + 2
		}
	}
	return 0
}

func begins(words []string, with ...string) bool {
	return len(words) >= len(with) && slices.Equal(words[:len(with)], with)
}

// Undouble takes a second `vllm serve` out of a command: an image has it in its
// ENTRYPOINT, and people repeat it. There is no other meaning to it: vllm would
// be the model, and serve one argument too many.
func Undouble(command []string) (undoubled []string, doubled bool) {
	at := afterServe(command)
	for at > 0 && afterServe(command[at:]) == 2 {
		command, doubled = slices.Delete(slices.Clone(command), at, at+2), true
	}
	return command, doubled
}
