package vllm

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syminit/syminit/test/containers"
	"github.com/syminit/syminit/test/vllm/client"
)

// up is how long vLLM may take to start or end on a loaded machine; no test
// depends on it being short.
const up = 10 * time.Minute

// serving is what syminit prints once vLLM answers its /health. vLLM's own line,
// "Application startup complete.", comes a moment before it listens.
const serving = "the server is ready"

// A mode is one way for vLLM to spread over two nodes.
type mode struct {
	name string
	env  []string
	args []string
	// backend is what vLLM's log says of it, at the head.
	backend string
	// process matches the command line of the one that computes on a node.
	process string
	// lastWords is what the head's log has of it when it is killed: under Ray the
	// head's own vLLM says so, else the worker's last lines come over.
	lastWords string
	// hasty says that vLLM doesn't wait for requests in flight, whatever it is
	// told: its engine has Ray's handler for TERM, which ends it.
	hasty bool
}

var modes = []mode{
	{
		name: "ray",
		// The plugin in the image lets vLLM's Ray executor run on what Ray takes
		// for one GPU a node.
		env:     []string{"SYMINIT_RAY_START_ARGS=--num-gpus=1"},
		args:    []string{"--tensor-parallel-size", "2"}, // the image has Ray
		backend: "'distributed_executor_backend': 'ray'",
		process: "^ray::RayWorkerProc", lastWords: "died unexpectedly", hasty: true,
	},
	{
		name:    "mp",
		env:     []string{"SYMINIT_RUNTIME=mp"},
		args:    []string{"--distributed-executor-backend", "mp", "--tensor-parallel-size", "2"},
		backend: "'distributed_executor_backend': 'mp'",
		process: "^VLLM::Worker", lastWords: "ERROR syminit: | ",
	},
	{
		name:    "data parallel",
		env:     []string{"SYMINIT_RUNTIME=mp"},
		args:    []string{"--data-parallel-size", "2", "--api-server-count", "1"},
		backend: "'data_parallel_size': 2",
		process: "^VLLM::EngineCore", lastWords: "ERROR syminit: | ",
	},
}

// serve is the command of every test, without what the mode adds.
var serve = []string{
	"vllm", "serve", "/model", "--served-model-name", "tiny",
	"--dtype", "float32", // CPUs without AMX or bf16 run it too
	"--enforce-eager", "--max-model-len", "128", "--max-num-seqs", "4",
}

// environment is every node's, without what the mode adds.
var environment = []string{
	"VLLM_CPU_KVCACHE_SPACE=1",
	"TORCHDYNAMO_DISABLE=1", // the image has no C++ compiler
	"HF_HUB_OFFLINE=1", "VLLM_NO_USAGE_STATS=1",
	// What is asked is that vLLM ends by itself. On a busy machine it takes longer
	// to do that than the 9 s it has by default.
	"SYMINIT_STOP_TIMEOUT=2m",
	"SPT_NOENV=1", // a process that gives itself a title keeps its environment readable
}

func newCluster(t *testing.T) *containers.Cluster {
	t.Helper()
	return containers.NewCluster(t, containers.Image(t, "SYMINIT_TEST_VLLM_IMAGE", "test-vllm"))
}

// inEachMode runs a test on two nodes of each mode, with more options of vLLM's,
// once the head has printed moment.
func inEachMode(t *testing.T, moment string, test func(t *testing.T, m mode, head, worker *containers.Container), options ...string) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			host := m.host()
			host.Args = append(host.Args, options...)
			head, worker := newCluster(t).Pair(host)
			head.WaitLog(moment, up)
			test(t, m, head, worker)
		})
	}
}

// host is how every node of the mode is started.
func (m mode) host() containers.Host {
	return containers.Host{Env: slices.Concat(environment, m.env), Args: slices.Concat(serve, m.args)}
}

// complete asks the head for a completion of that many tokens.
func complete(head *containers.Container, tokens int) error {
	ctx, cancel := context.WithTimeout(context.Background(), up)
	defer cancel()
	answer, err := client.Complete(ctx, url(head, ""), tokens)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var completion struct {
		Model string
		Usage struct {
			Tokens int `json:"completion_tokens"`
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&completion); err != nil {
		return fmt.Errorf("%s: %w", answer.Status, err)
	}
	if answer.StatusCode != http.StatusOK || completion.Model != "tiny" || completion.Usage.Tokens != tokens {
		return fmt.Errorf("the completion is %s, %+v", answer.Status, completion)
	}
	return nil
}

func url(head *containers.Container, path string) string {
	return "http://" + net.JoinHostPort(head.Address(), "8000") + path
}

// A process is one in a container, with those of its variables that were asked for.
type process struct {
	Name string
	Env  map[string]string
}

// processes returns every process in the container but syminit's own.
func processes(t *testing.T, n *containers.Container, variables ...string) (all []process) {
	t.Helper()
	found := n.Exec("exec python3 /jobs/environ.py " + strings.Join(variables, " "))
	for line := range strings.Lines(found) {
		var p process
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, p)
	}
	return all
}
