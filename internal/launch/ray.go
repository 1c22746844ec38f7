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
// A worker's `ray start` is to begin when the GCS answers. Earlier is not
// sooner: it would ask for the session's name between the GCS's first answer
// and the head's writing of that name, and then sleep 2 s (9 of 12 starts that
// were measured did); and without a GCS it gives up after 40 s. Later, when the
// head's own node is alive, is later by Python's start with Ray 2.40 and 2.52,
// and no sooner with 2.60, whose workers wait for that node in steps of 2 s.
func planRay(s *Spec) (Plan, error) {
	if err := CheckStartArgs(s.Ray.StartArgs); err != nil {
		return Plan{}, err
	}
	var (
		gcs            = netip.AddrPortFrom(s.Addrs[0], s.Ray.Port)
		address        = variable{rayAddress, gcs.String()}
		auth, warnings = rayAuth(s)
		env            = environ(s.Env).with(s.inherited()...).replacing(s.facts()...).with(s.defaults()...).with(auth...)
		plan           = Plan{
			Runtime: &Command{
				Argv: rayStart(s, gcs), Env: env.without(rayAddress).with(rayTuning(s)...),
				Session: true, // actors have process groups of their own
			},
			Ready:    &Ready{GCS: gcs, Addrs: []netip.Addr{s.self()}, Every: pollInterval(len(s.Addrs))},
			Warnings: warnings,
		}
	)
	if tls, _ := env.lookup("RAY_USE_TLS"); tls == "1" || strings.EqualFold(tls, "true") {
		return Plan{}, fmt.Errorf("RAY_USE_TLS=%s is not supported: syminit could not ask Ray which nodes are there; unset it, Ray's token keeps others out", tls)
	}
	if set, _ := env.lookup(vllmHostIP); set != s.self().String() {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("VLLM_HOST_IP=%s is set, and Ray knows this node as %s: vLLM looks for a Ray node at its own address and may wait for ever; unset it, or set SYMINIT_NODE_IP to the same", set, s.self()))
	}
	if s.Rank > 0 {
		plan.Probe = gcs
		return plan, nil
	}
	plan.Ready.Addrs = slices.Clone(s.Addrs)
	if set, ok := env.lookup(rayAddress); ok && set != address.value && set != "auto" {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("RAY_ADDRESS=%s is set: the job uses that, not the Ray that is started for it at %s; unset it, unless that is meant", set, address.value))
	}
	env = env.with(address)
	references := slices.Concat(s.facts(), s.defaults(), auth, []variable{address})
	plan.Job = &Command{Argv: expand(s.Job, references, env), Env: env, Foreground: true}
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

// rayTuning is for Ray's own processes.
func rayTuning(s *Spec) []variable {
	vars := []variable{
		// Else Ray 2.60 answers a TERM by draining for 30 s.
		{"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "0"},
	}
	if s.Rank > 0 {
		// How often, 2 s apart, Ray 2.60 asks whether the head's node is
		// there. The default, 20, is too few for a head that is slow to
		// start; how long to wait is the caller's to say.
		vars = append(vars, variable{"RAY_NUM_REDIS_GET_RETRIES", "10000"})
	}
	return vars
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
