package preflight

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	maxModelFiles  = 4096    // of a model's folder that are looked at
	maxModelConfig = 1 << 20 // bytes of config.json that are read
)

// lookAtModel describes the run's model if it is on this node: names and sizes of
// the files that a loader reads, and its config.json. The weights aren't read,
// they may be hundreds of gigabytes.
func lookAtModel(h Host, r Request) func(*Facts) {
	var m Model
	if full, ok := h.Abs(r.Model); ok && mayBePath(r.Model) {
		m = h.model(full)
	}
	return func(f *Facts) { f.Model = m }
}

// mayBePath reports whether a model's name may mean a folder or a file here. A
// plain name, such as org/model, may: vLLM looks for it in the working directory
// first.
func mayBePath(name string) bool { return name != "" && !strings.Contains(name, "://") }

func (h Host) model(full string) Model {
	m := Model{Path: full}
	info, err := fs.Stat(h.Root, rooted(full))
	if err != nil {
		return m
	}
	m.Present = true
	list := sha256.New()
	if !info.IsDir() {
		m.add(list, path.Base(full), info)
		m.List = short(list)
		return m
	}
	entries, _ := fs.ReadDir(h.Root, rooted(full)) // sorted; what can't be read has no files
	for _, e := range entries[:min(len(entries), maxModelFiles)] {
		if !loaded(e.Name()) {
			continue
		}
		// The caches of Hugging Face have links in place of files.
		if info, err := fs.Stat(h.Root, rooted(path.Join(full, e.Name()))); err == nil && !info.IsDir() {
			m.add(list, e.Name(), info)
		}
	}
	m.List, m.Config = short(list), h.hash(path.Join(full, "config.json"))
	return m
}

func (m *Model) add(list hash.Hash, name string, info fs.FileInfo) {
	m.Files++
	m.Bytes += uint64(info.Size())
	_, _ = fmt.Fprintf(list, "%q %d\n", name, info.Size()) // never fails
}

// loaded reports whether a loader reads a file of that name; others, such as a
// README or a lock, may differ.
func loaded(name string) bool {
	return slices.Contains([]string{".safetensors", ".bin", ".pt", ".pth", ".gguf", ".json", ".model", ".txt", ".jinja"}, path.Ext(name))
}

func (h Host) hash(name string) string {
	f, err := h.Root.Open(rooted(name))
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, maxModelConfig)); err != nil {
		return ""
	}
	return short(sum)
}

func short(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)[:8]) }
