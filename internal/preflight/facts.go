package preflight

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// Facts is what a node has. What is zero is not known.
type Facts struct {
	Unfinished []string          `json:"unfinished,omitempty"` // what did not answer in time
	Shm        Space             `json:"shm,omitzero"`
	NoFile     uint64            `json:"nofile,omitempty"`  // hard limit of open files
	MemLock    uint64            `json:"memlock,omitempty"` // hard limit of locked memory, bytes; [Unlimited]
	IPCLock    bool              `json:"ipc_lock,omitempty"`
	Memory     Space             `json:"memory,omitzero"`
	Disks      []Disk            `json:"disks,omitempty"`
	Taken      []Port            `json:"taken,omitempty"`       // ports that the run needs and something else has
	Barred     []Port            `json:"barred,omitempty"`      // ports of the head's that this node can't reach
	BarredAt   netip.Addr        `json:"barred_at,omitzero"`    // where it has looked for them
	Versions   map[string]string `json:"versions,omitempty"`    // of software, by name
	GPUs       []GPU             `json:"gpus,omitempty"`        // that this node can use
	HiddenGPUs int               `json:"hidden_gpus,omitempty"` // the host's, where this node can use none
	MissingGPU string            `json:"missing_gpu,omitempty"` // what CUDA_VISIBLE_DEVICES names and isn't there
	RDMA       RDMA              `json:"rdma,omitzero"`
	Link       Link              `json:"link,omitzero"`
	Model      Model             `json:"model,omitzero"`
}

// Unlimited is a limit that isn't one, as the kernel has it.
const Unlimited = ^uint64(0)

// Space is room in bytes.
type Space struct {
	Total uint64 `json:"total"`
	Free  uint64 `json:"free"`
}

// What a [Disk] is for.
const (
	DiskHub  = "hub"  // where Hugging Face's models are kept
	DiskVLLM = "vllm" // vLLM's own cache
	DiskTemp = "temp" // Ray's files, and objects that find no room in memory
)

// Disk is the file system under a folder that the run writes to.
type Disk struct {
	For   string `json:"for"`
	Path  string `json:"path"`
	Space Space  `json:"space"`
	Holds bool   `json:"holds,omitempty"` // the run's model is there already
	// Denied is why nothing can be written there, where that is known.
	Denied string `json:"denied,omitempty"`
}

// Port is a TCP port that the run needs on this node.
type Port struct {
	Number uint16 `json:"number"`
	For    string `json:"for"` // what needs it, and the setting that moves it
}

// GPU is a number of GPUs of one kind.
type GPU struct {
	Model string `json:"model"`
	Count int    `json:"count"`
}

// RDMA is what there is of InfiniBand, or of Ethernet that does the same.
type RDMA struct {
	Devices int  `json:"devices"` // that the kernel has
	Active  int  `json:"active"`  // with a port that is up
	Usable  bool `json:"usable"`  // /dev/infiniband is there
}

// Link is the interface toward the other nodes.
type Link struct {
	Name   string `json:"name"`
	MTU    int    `json:"mtu,omitempty"`   // bytes
	Speed  int    `json:"speed,omitempty"` // Mb/s
	Faster *Link  `json:"faster,omitempty"`
}

// Model is the run's model, where its name may be a local path.
type Model struct {
	Path    string `json:"path"`
	Present bool   `json:"present,omitempty"`
	Files   int    `json:"files,omitempty"`  // that a loader reads
	Bytes   uint64 `json:"bytes,omitempty"`  // of these
	Config  string `json:"config,omitempty"` // hash of config.json
	List    string `json:"list,omitempty"`   // hash of their names and sizes
}

// Bounds of what a node may say of itself.
const (
	maxText  = 120 // bytes of a text
	maxItems = 16  // of a list
)

// Encode is the facts as they go to the head.
func (f Facts) Encode() json.RawMessage {
	body, _ := json.Marshal(f.clipped()) // numbers and texts: cannot fail
	return body
}

// Decode reads facts that another node sent. Whatever it sent, they are small
// and their texts are one line of printable characters.
func Decode(body json.RawMessage) (Facts, error) {
	var f Facts
	if err := json.Unmarshal(body, &f); err != nil {
		return Facts{}, fmt.Errorf("read a node's facts: %w", err)
	}
	return f.clipped(), nil
}

func clipPort(p Port) Port {
	p.For = clip(p.For)
	return p
}

func (f Facts) clipped() Facts {
	f.Unfinished = few(f.Unfinished, clip)
	f.Disks = few(f.Disks, func(d Disk) Disk {
		d.For, d.Path, d.Denied = clip(d.For), clip(d.Path), clip(d.Denied)
		return d
	})
	f.Taken, f.Barred = few(f.Taken, clipPort), few(f.Barred, clipPort)
	f.GPUs = few(f.GPUs, func(g GPU) GPU {
		g.Model = clip(g.Model)
		return g
	})
	f.MissingGPU = clip(f.MissingGPU)
	names := slices.Sorted(maps.Keys(f.Versions))
	versions := make(map[string]string, len(names))
	for _, name := range names[:min(len(names), maxItems)] {
		versions[clip(name)] = clip(f.Versions[name])
	}
	f.Versions = versions
	f.Link.Name = clip(f.Link.Name)
	if f.Link.Faster != nil {
		f.Link.Faster = &Link{Name: clip(f.Link.Faster.Name), Speed: f.Link.Faster.Speed}
	}
	f.Model.Path, f.Model.Config, f.Model.List = clip(f.Model.Path), clip(f.Model.Config), clip(f.Model.List)
	return f
}

func few[T any](items []T, each func(T) T) []T {
	var kept []T
	for _, item := range items[:min(len(items), maxItems)] {
		kept = append(kept, each(item))
	}
	return kept
}

// clip makes a text of whatever origin fit into a line of a log.
func clip(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, text)
}
