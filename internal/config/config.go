package config

import (
	"net/netip"
	"time"

	"github.com/syminit/syminit/signals"
)

// Values of Config.Role.
const (
	RoleAuto   = "auto"
	RoleHead   = "head"
	RoleWorker = "worker"
)

// Values of Config.Runtime.
const (
	RuntimeAuto = "auto"
	RuntimeRay  = "ray"
	RuntimeMP   = "mp"
	RuntimeSPMD = "spmd"
	RuntimeNone = "none"
)

// Values of Config.Service.
const (
	ServiceAuto  = "auto"
	ServiceTrue  = "true"
	ServiceFalse = "false"
)

// Values of Config.OnLoss.
const (
	OnLossFail   = "fail"
	OnLossIgnore = "ignore"
)

// Values of Config.Preflight.
const (
	PreflightWarn = "warn"
	PreflightFail = "fail"
	PreflightOff  = "off"
)

// Config is what syminit was asked to do: one field for each variable. The
// zero value of a field without a default means that nobody set it; for Rank
// that is -1. The values are to be used only when Load, Fill and Resolve
// returned no error.
//
// The tags: env, envDefault name the variable and its default; unset says what
// holds where there is no fixed default; oneof, min and max are checked;
// accepts describes values that they can't; doc is the meaning.
type Config struct {
	Head      string `env:"HEAD" unset:"none" accepts:"a host name or an IP address, without a port" doc:"The head's host name or address. Needed with several nodes, except on the head itself when SYMINIT_ROLE=head."`
	Nodes     int    `env:"NODES" min:"1" max:"6000" unset:"1" doc:"How many nodes the job needs. The same on every node."`
	MaxNodes  int    `env:"MAX_NODES" min:"1" max:"6000" unset:"SYMINIT_NODES" doc:"How many nodes may join in all, under Ray: those beyond SYMINIT_NODES while the job runs."`
	Role      string `env:"ROLE" envDefault:"auto" oneof:"auto head worker" doc:"This node's part. auto: the head is the node that SYMINIT_HEAD leads to."`
	Rank      int    `env:"RANK" min:"0" max:"5999" unset:"agreed when joining" doc:"This node's rank, where something outside numbers the nodes; 0 is the head. The job gets it, given or agreed."`
	Cluster   string `env:"CLUSTER" envDefault:"auto" oneof:"auto none lws aws-batch skypilot dstack lepton runpod sagemaker slurm generic openmpi flux lsf pbs" doc:"Who tells size, rank and head where they aren't set: the scheduler or launcher that started the containers. auto: the first of these whose variables are there. none: nobody; set it to run on each node by itself."`
	Runtime   string `env:"RUNTIME" envDefault:"auto" oneof:"auto ray mp spmd none" doc:"What carries the job over the nodes. ray: Ray on every node, the job on the head. mp: vLLM's own backend, vllm serve on every node. spmd: the command on every node, with rank variables. auto: none on one node, else what the command asks for, else Ray where the image has it, else mp for vllm serve."`
	Service   string `env:"SERVICE" envDefault:"auto" oneof:"auto true false" doc:"Whether the job is a server, so that ending unasked with 0 is a failure. auto: true for vllm serve."`
	Port      uint16 `env:"PORT" envDefault:"6378" min:"1" max:"65535" doc:"The TCP port on the head where the nodes meet."`
	Token     Token  `env:"TOKEN" unset:"none" accepts:"any text, best 32 random bytes in hex" doc:"The secret that all nodes share. With several nodes this, SYMINIT_TOKEN_FILE or SYMINIT_INSECURE=true is needed. Make one with: openssl rand -hex 32"`
	TokenFile string `env:"TOKEN_FILE" unset:"none" accepts:"the path of a readable file" doc:"A file that holds the secret; white space around it doesn't count."`
	Insecure  bool   `env:"INSECURE" envDefault:"false" doc:"Do without a secret: whoever reaches the port can join and run code."`

	NodeIP    netip.Addr `env:"NODE_IP" unset:"SYMINIT_INTERFACE's address, else the one that leads to the head" accepts:"an IP address of this node" doc:"This node's address for the other nodes."`
	Interface string     `env:"INTERFACE" unset:"the one that carries SYMINIT_NODE_IP" accepts:"the exact name of one network interface" doc:"The network interface toward the other nodes."`

	JoinTimeout  time.Duration `env:"JOIN_TIMEOUT" envDefault:"10m" min:"1s" max:"87600h" doc:"How long nodes wait for each other."`
	StartTimeout time.Duration `env:"START_TIMEOUT" envDefault:"5m" min:"1s" max:"87600h" doc:"How long the runtime may take to start on all nodes."`
	LostAfter    time.Duration `env:"LOST_AFTER" envDefault:"10s" min:"1s" max:"24h" doc:"Silence after which a node counts as lost."`
	StopTimeout  time.Duration `env:"STOP_TIMEOUT" envDefault:"9s" min:"1s" max:"87600h" doc:"From the first TERM to the end of the container. docker stop gives 10s. The same on every node."`
	EndMargin    time.Duration `env:"END_MARGIN" min:"0s" max:"87600h" unset:"SYMINIT_STOP_TIMEOUT and 5s" doc:"How long before the scheduler ends the job, where it tells when (Slurm from 23.02 on), the run gets TERM."`
	Restarts     Restarts      `env:"RESTARTS" envDefault:"0" accepts:"a whole number from 0 to 1000000, or unlimited" doc:"How often in a row the whole run is started again in place, on the same containers, after a failed job or a lost node. The head's counts; a worker's, for a lost head."`
	OnLoss       string        `env:"ON_LOSS" envDefault:"fail" oneof:"fail ignore" doc:"What a lost worker means for a run under Ray that is going: its end, or nothing to the job, and a place that a node may take again."`

	Propagate      Globs            `env:"PROPAGATE" envDefault:"VLLM_*,FLASH_ATTENTION_*,LMCACHE_*,NCCL_*,GLOO_*,UCX_*,RAY_*,HF_*,HUGGING_FACE_*" accepts:"a comma list of names with * and ?, or none" doc:"The head's variables that workers take over where they don't set them. What belongs to one node only is left out unless it is named in full."`
	RayPort        uint16           `env:"RAY_PORT" envDefault:"6379" min:"1" max:"65535" doc:"Ray's port on the head."`
	RayStartArgs   Words            `env:"RAY_START_ARGS" unset:"none" accepts:"words as in a shell, quotes and backslashes included" doc:"More options for ray start on this node."`
	RayBin         string           `env:"RAY_BIN" envDefault:"ray" accepts:"a command's name or path" doc:"The ray command."`
	RayDashboard   bool             `env:"RAY_DASHBOARD" envDefault:"false" doc:"Start Ray's dashboard on the head: about 200 MB and some seconds."`
	RewriteSignals signals.Rewrites `env:"REWRITE_SIGNALS" unset:"none" accepts:"a comma list of FROM:TO, where TO is a signal, or 0 to drop it: TERM:INT" doc:"Signals that reach the job as others."`
	WaitAll        bool             `env:"WAIT_ALL" envDefault:"false" doc:"Wait for every process that the command leaves behind, as for a service that puts itself into the background. The exit code is the command's all the same. For one node without Ray."`

	Preflight  string `env:"PREFLIGHT" envDefault:"warn" oneof:"warn fail off" doc:"What follows where a node lacks what the run needs, a large enough /dev/shm say. warn: a table in the head's log, and only a run that can't work ends: a node gets no answer at the head's port where vLLM or Ray meets. fail: an error in that table ends the run on every node before Ray starts. off: this node isn't looked at. For what follows the head's counts."`
	LogLevel   string `env:"LOG_LEVEL" envDefault:"info" oneof:"debug info warn error" doc:"The least that is logged."`
	LogFormat  string `env:"LOG_FORMAT" envDefault:"console" oneof:"console json" doc:"Lines for a person, or one JSON object a line."`
	StatusAddr string `env:"STATUS_ADDR" envDefault:"off" accepts:"HOST:PORT, :PORT or off" doc:"Where /healthz, /readyz, /status and /metrics answer over HTTP."`

	settings map[string]setting // by variable; defaults aren't in it
	bad      map[string]bool    // variables whose value was refused
}

// A setting is a value as somebody wrote it, the run's secret masked, and who that
// was. Whatever shows the text goes through shown.
type setting struct{ text, source string }

// given reports whether somebody set the variable, rightly or wrongly.
func (c *Config) given(name string) bool {
	s, ok := c.settings[name]
	return ok && s.source != SourceDefault
}

// Told reports whether somebody set the variable, and rightly.
func (c *Config) Told(name string) bool { return c.given(name) && !c.bad[name] }

// Refused reports whether somebody set the variable, and wrongly.
func (c *Config) Refused(name string) bool { return c.bad[name] }

// Source returns who set the variable, as Values has it.
func (c *Config) Source(name string) string {
	if s, ok := c.settings[name]; ok {
		return s.source
	}
	return SourceDefault
}
