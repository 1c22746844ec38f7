package launch

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// planRay starts Ray on every node, and the job on the head.
//
// A worker's Ray waits for the head's node to be alive. Ray would wait for that
// by itself, but in steps of 2 s: 2.60 for the head's node, every version for
// the name of the session, which the head writes after the GCS has begun to
// answer; and without a GCS `ray start` gives up after 40 s. What it can do
// without the head, loading Python's modules, is done meanwhile where
// Command.Held is known.
func planRay(s *Spec) (Plan, error) {
	if err := CheckStartArgs(s.Ray.StartArgs); err != nil {
		return Plan{}, err
	}
	if err := CheckRayJob(s.Job, len(s.Addrs)); err != nil {
		return Plan{}, err
	}
	var (
		gcs            = netip.AddrPortFrom(s.Addrs[0], s.Ray.Port)
		address        = variable{rayAddress, gcs.String()}
		argv           = rayStart(s, gcs)
		auth, warnings = rayAuth(s)
		env, hostIP    = s.ownHostIP(s.environ().with(auth...))
		plan           = Plan{
			Runtime: &Command{
				Argv: argv, Held: heldRay(s.Ray.Python, argv), Env: rayTuning(s, env.without(rayAddress)),
				Session: true, // actors have process groups of their own
			},
			Ready:    &Ready{GCS: gcs, Addrs: []netip.Addr{s.self()}, Every: pollInterval(len(s.Addrs))},
			Warnings: append(warnings, hostIP...),
		}
	)
	if tls, _ := env.lookup("RAY_USE_TLS"); tls == "1" || strings.EqualFold(tls, "true") {
		return Plan{}, fmt.Errorf("RAY_USE_TLS=%s is not supported: syminit could not ask Ray which nodes are there; unset it, Ray's token keeps others out", tls)
	}
	if s.Rank > 0 {
		plan.After = &Ready{GCS: gcs, Addrs: s.Addrs[:1], Every: pollInterval(len(s.Addrs))}
		return plan, nil
	}
	plan.Runtime.Held = nil // it has nothing to wait for
	plan.Ready.Addrs = slices.Clone(s.Addrs)
	if set, ok := env.lookup(rayAddress); ok && set != address.value && set != "auto" {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("RAY_ADDRESS=%s is set: the job uses that, not the Ray that is started for it at %s; unset it, unless that is meant", set, address.value))
	}
	if IsVLLMServe(s.Job) {
		env = env.without(copiedByVLLM(env)...)
	}
	env = env.with(address)
	references := slices.Concat(s.facts(), s.defaults(), auth, []variable{address})
	job, advice := spreadByRay(expand(s.Job, references, env), len(s.Addrs))
	plan.Job = &Command{Argv: job, Env: env, Foreground: true}
	plan.Warnings = append(plan.Warnings, advice...)
	return plan, nil
}

// rayStart is the command line of `ray start`, with options that are there
// from Ray 2.40 on. Of the ports that Ray takes, only the GCS's and the Ray
// Client's matter: it copes with any other being taken.
func rayStart(s *Spec, gcs netip.AddrPort) []string {
	argv := []string{s.Ray.Bin, "start"}
	if s.Rank == 0 {
		argv = append(argv,
			"--head",
			"--port="+strconv.Itoa(int(gcs.Port())),
			"--include-dashboard="+strconv.FormatBool(s.Ray.Dashboard))
		if s.Ray.ClientPort != 0 {
			argv = append(argv, "--ray-client-server-port="+strconv.Itoa(int(s.Ray.ClientPort)))
		}
	} else {
		argv = append(argv, "--address="+gcs.String())
	}
	argv = append(argv,
		"--node-ip-address="+s.self().String(),
		"--disable-usage-stats",
		"--log-style=record",
		"--log-color=false",
		"--block")
	return append(argv, s.Ray.StartArgs...)
}

// rayTuning returns env with what Ray's own processes need, where it isn't set.
func rayTuning(s *Spec, env environ) environ {
	// Else Ray 2.60 answers a TERM by draining for 30 s.
	env = env.with(variable{"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "0"})
	if s.Rank > 0 {
		// How often, 2 s apart, Ray 2.60 asks whether the head's node is
		// there. The default, 20, is too few for a head that is slow to
		// start; how long to wait is the caller's to say.
		env = env.with(variable{"RAY_NUM_REDIS_GET_RETRIES", "10000"})
	}
	// A raylet connects to the object store that one of its own threads is just
	// about to open, mostly a moment too early, and then sleeps for 1 s, up to
	// 10 times. The two belong together: who has set one has set both.
	const attempts, pause = "RAY_raylet_client_num_connect_attempts", "RAY_raylet_client_connect_timeout_milliseconds"
	_, set := env.lookup(attempts)
	if _, also := env.lookup(pause); !set && !also {
		env = env.with(variable{attempts, "500"}, variable{pause, "20"})
	}
	return env
}

// heldRay is the command line that does what argv does in pip's script, but
// waits in between for a line on standard input; nil where python is unknown.
// The end of the input without a line is the end of who would have sent it.
func heldRay(python string, argv []string) []string {
	if python == "" {
		return nil
	}
	const script = `import sys
if sys.path[:1] == [""]: del sys.path[0]  # the working directory, where a script does not look
from ray.scripts.scripts import main
if not sys.stdin.readline(): sys.exit("syminit is gone")
del sys.argv[0]
sys.exit(main())`
	return append([]string{python, "-c", script}, argv...)
}

// pollInterval keeps the questions that a GCS gets from n nodes below 2,000 a
// second.
func pollInterval(n int) time.Duration {
	return max(20*time.Millisecond, time.Duration(n)*500*time.Microsecond)
}

// CheckStartArgs refuses options of `ray start` that a plan sets itself, or that
// can't be.
func CheckStartArgs(args []string) error {
	for _, arg := range args {
		option, _, _ := strings.Cut(arg, "=")
		if instead := settingFor(option); instead != "" {
			return fmt.Errorf("SYMINIT_RAY_START_ARGS: syminit itself gives `ray start` the option %s; take it out and %s", option, instead)
		}
	}
	return nil
}

// settingFor says what to do in place of giving an option of `ray start`; ""
// where the option is free.
func settingFor(option string) string {
	switch option {
	case "--address":
		return "set SYMINIT_HEAD and SYMINIT_RAY_PORT"
	case "--head":
		return "set SYMINIT_ROLE"
	case "--port":
		return "set SYMINIT_RAY_PORT"
	case "--node-ip-address":
		return "set SYMINIT_NODE_IP"
	case "--include-dashboard":
		return "set SYMINIT_RAY_DASHBOARD"
	case "--block":
		return "leave it to syminit"
	}
	return ""
}
