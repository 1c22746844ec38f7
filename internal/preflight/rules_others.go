package preflight

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// clocksApart is a difference between clocks that makes logs of two nodes hard to
// read side by side; certificates and signed requests fail only at minutes.
const clocksApart = time.Second

const fixImage = "use the same image on every node"

// versions compares what both nodes know.
func (j *judge) versions() {
	for _, name := range slices.Sorted(maps.Keys(j.head.Facts.Versions)) {
		theirs, own := j.head.Facts.Versions[name], j.node.Facts.Versions[name]
		if theirs == "" || own == "" || theirs == own {
			continue
		}
		severity, fix := Error, fixImage
		if name == versionDriver {
			severity, fix = Warning, "install the same driver on every host"
		}
		j.say(severity, "versions", fmt.Sprintf("%s is %s, on the head %s", name, own, theirs), fix)
	}
}

func (j *judge) gpus() {
	own, theirs := gpusText(j.node.Facts.GPUs), gpusText(j.head.Facts.GPUs)
	if own != theirs {
		j.say(Warning, "GPUs", own+", on the head "+theirs, "use hosts that are alike, and the same --gpus on each")
	}
}

func gpusText(gpus []GPU) string {
	if len(gpus) == 0 {
		return "none"
	}
	texts := make([]string, len(gpus))
	for i, g := range gpus {
		texts[i] = fmt.Sprintf("%d × %s", g.Count, g.Model)
	}
	slices.Sort(texts)
	return strings.Join(texts, " and ")
}

func (j *judge) links() {
	own, theirs := j.node.Facts.Link, j.head.Facts.Link
	const fix = "make them the same, or choose others with SYMINIT_INTERFACE"
	if own.MTU != theirs.MTU && own.MTU > 0 && theirs.MTU > 0 {
		j.say(Warning, "network", fmt.Sprintf("the MTU of %s is %d, on the head %d: large packets may get lost", own.Name, own.MTU, theirs.MTU), fix)
	}
	if own.Speed != theirs.Speed && own.Speed > 0 && theirs.Speed > 0 {
		j.say(Warning, "network", fmt.Sprintf("%s has %s, the head's %s", own.Name, speedText(own.Speed), speedText(theirs.Speed)), fix)
	}
	if own, theirs := j.node.Facts.RDMA, j.head.Facts.RDMA; own.Active != theirs.Active {
		j.say(Warning, "InfiniBand", fmt.Sprintf("%d active devices, on the head %d", own.Active, theirs.Active), "look at ibstat there; NCCL_IB_HCA names those that NCCL is to use")
	}
}

func (j *judge) clock() {
	apart := j.node.Ahead.Abs()
	if apart-j.node.Within < clocksApart {
		return
	}
	direction := "behind"
	if j.node.Ahead > 0 {
		direction = "ahead of"
	}
	j.say(Warning, "clock", fmt.Sprintf("%s %s the head's (± %s)", apart.Round(100*time.Millisecond), direction, max(j.node.Within, time.Millisecond).Round(time.Millisecond)),
		"keep the hosts' clocks in step: chrony or another NTP client")
}

// model compares the model's folder, where it is one. A name that no node has a
// folder of is one of Hugging Face's.
func (j *judge) model() {
	own := j.node.Facts.Model
	with := slices.IndexFunc(j.nodes, func(n Node) bool { return n.Facts.Model.Present })
	if own.Path == "" || with < 0 && !j.Path {
		return
	}
	const fix = "put the same folder on every node, and mount it: -v /models:/models:ro"
	switch {
	case !own.Present && with < 0:
		j.say(Error, "model", own.Path+" is not there", fix)
		return
	case !own.Present:
		j.say(Error, "model", own.Path+" is not there, and it is on "+j.nodes[with].Name, fix)
		return
	}
	first := j.nodes[with].Facts.Model
	switch {
	case own.Files == 0:
		j.say(Error, "model", own.Path+" has no files of a model", fix)
	case own.Config != first.Config:
		j.say(Error, "model", fmt.Sprintf("%s has another config.json than on %s", own.Path, j.nodes[with].Name), fix)
	case own.List != first.List:
		j.say(Error, "model", fmt.Sprintf("%s has %s, on %s %s", own.Path, contents(own), j.nodes[with].Name, contents(first)), fix)
	}
}

func contents(m Model) string {
	files := "files"
	if m.Files == 1 {
		files = "file"
	}
	return fmt.Sprintf("%d %s of %s", m.Files, files, bytesText(m.Bytes))
}

func (j *judge) barred() {
	for _, p := range j.node.Facts.Barred {
		j.say(Error, "ports", fmt.Sprintf("port %d of %s gives no answer, where %s meets", p.Number, j.head.Name, p.For),
			fmt.Sprintf("open TCP port %d between the hosts, which a firewall seems to drop, and best all of TCP: vLLM, Ray and NCCL take other ports too", p.Number))
	}
}
