package preflight

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// lookAtDisks finds the room where the run keeps models and writes files. The
// variables and defaults are those of huggingface_hub's constants.py, vLLM's
// envs.py and Ray's _private/utils.py.
func lookAtDisks(h Host, r Request) func(*Facts) {
	env := func(name string) string {
		value, _ := h.Env(name)
		return value
	}
	cache := cmp.Or(env("XDG_CACHE_HOME"), path.Join(cmp.Or(env("HOME"), "/root"), ".cache"))
	disks := []Disk{
		{For: DiskHub, Path: cmp.Or(env("HF_HUB_CACHE"), path.Join(cmp.Or(env("HF_HOME"), path.Join(cache, "huggingface")), "hub"))},
		{For: DiskVLLM, Path: cmp.Or(env("VLLM_CACHE_ROOT"), path.Join(cache, "vllm"))},
		{For: DiskTemp, Path: cmp.Or(r.RayTemp, env("RAY_TMPDIR"), env("TMPDIR"), "/tmp")},
	}
	for i := range disks {
		d := &disks[i]
		if d.For == DiskHub && r.Model != "" {
			d.Holds = len(h.glob(path.Join(d.Path, "models--"+strings.ReplaceAll(r.Model, "/", "--"), "snapshots", "*"))) > 0
		}
		d.Space = h.room(d.Path)
		if d.For == DiskTemp {
			d.Denied = h.denied(d.Path)
		}
	}
	return func(f *Facts) { f.Disks = disks }
}

// room is the space under a folder that may have to be made yet.
func (h Host) room(folder string) Space {
	for path.IsAbs(folder) {
		if s, err := h.Space(folder); err == nil {
			return s
		}
		if folder == "/" {
			break
		}
		folder = path.Dir(folder)
	}
	return Space{}
}

// denied is why nothing can be written to a folder that may have to be made yet; ""
// where it can.
func (h Host) denied(folder string) string {
	err := h.Write(folder)
	for path.IsAbs(folder) && folder != "/" && errors.Is(err, fs.ErrNotExist) {
		folder = path.Dir(folder)
		err = h.Write(folder)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return err.Error()
}
