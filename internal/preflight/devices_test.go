package preflight

import (
	"reflect"
	"strings"
	"testing"
)

const gpuInformation = `Model: 		 NVIDIA H100 80GB HBM3
IRQ:   		 178
GPU UUID: 	 GPU-5e6f
Device Minor: 	 `

func TestGPUs(t *testing.T) {
	tree := map[string]string{
		"/proc/driver/nvidia/gpus/0000:19:00.0/information": gpuInformation + "0\n",
		"/proc/driver/nvidia/gpus/0000:3b:00.0/information": gpuInformation + "1\n",
		"/proc/driver/nvidia/gpus/0000:5d:00.0/information": strings.ReplaceAll(gpuInformation, "H100", "A100") + "2\n",
		"/proc/driver/nvidia/version":                       "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc 12.2.0\n",
	}
	f := survey(t, fake(tree), Request{Versions: map[string]string{"Ray": "2.60.0"}})
	if len(f.GPUs) > 0 || f.HiddenGPUs != 3 {
		t.Errorf("without a device file: %+v, %d hidden", f.GPUs, f.HiddenGPUs)
	}
	for _, device := range []string{"/dev/nvidia0", "/dev/nvidia1", "/dev/nvidia2", "/dev/nvidiactl"} {
		tree[device] = ""
	}
	f = survey(t, fake(tree), Request{Versions: map[string]string{"Ray": "2.60.0"}})
	if got := gpusText(f.GPUs); got != "1 × NVIDIA A100 80GB HBM3 and 2 × NVIDIA H100 80GB HBM3" || f.HiddenGPUs != 0 {
		t.Errorf("%s, %d hidden", got, f.HiddenGPUs)
	}
	if want := map[string]string{"Ray": "2.60.0", versionDriver: "550.54.15"}; !reflect.DeepEqual(f.Versions, want) {
		t.Errorf("versions %v", f.Versions)
	}
}

func TestVisibleGPUs(t *testing.T) {
	h := fake(map[string]string{
		"/proc/driver/nvidia/gpus/0000:19:00.0/information": gpuInformation + "0\n",
		"/proc/driver/nvidia/gpus/0000:3b:00.0/information": gpuInformation + "1\n", // another container's
		"/proc/driver/nvidia/gpus/0000:5d:00.0/information": strings.NewReplacer("H100", "A100", "5e6f", "77aa").Replace(gpuInformation) + "2\n",
		"/dev/nvidia0": "", "/dev/nvidia2": "",
	})
	const h100, a100 = "1 × NVIDIA H100 80GB HBM3", "1 × NVIDIA A100 80GB HBM3"
	for _, tt := range []struct{ list, gpus, missing string }{
		{"", "none", ""},
		{"0,1", a100 + " and " + h100, ""},
		{"1", a100, ""},
		{" 0 ", h100, ""},
		{"GPU-77", a100, ""},
		{"GPU-77aa,0", a100 + " and " + h100, ""},
		{"0,2,1", h100, "2"},
		{"4,5", "none", "4"},
		{"GPU-1", "none", "GPU-1"},
		{"all", "none", "all"},
		{"-1", "none", ""},
		{"0,-1,1", h100, ""},
		{"NoDevFiles", "none", ""},
		{"MIG-GPU-5e6f/1/0", a100 + " and " + h100, ""},
	} {
		h.Env = func(name string) (string, bool) { return tt.list, name == "CUDA_VISIBLE_DEVICES" }
		f := survey(t, h, Request{})
		if got := gpusText(f.GPUs); got != tt.gpus || f.MissingGPU != tt.missing || f.HiddenGPUs != 0 {
			t.Errorf("%q: %s, missing %q, %d hidden; want %s, missing %q", tt.list, got, f.MissingGPU, f.HiddenGPUs, tt.gpus, tt.missing)
		}
	}
	h = fake(nil)
	h.Env = func(string) (string, bool) { return "0", true }
	if f := survey(t, h, Request{}); f.MissingGPU != "" {
		t.Errorf("a node without GPUs misses %s", f.MissingGPU)
	}
}

func TestDriverVersion(t *testing.T) {
	for text, want := range map[string]string{
		"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (x@y)  \nGCC version:  gcc version 15.3.0 (GCC) ": "580.159.04",
		"NVRM version: nothing": "",
		"":                      "",
	} {
		if got := driverVersion(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestRDMA(t *testing.T) {
	tree := map[string]string{
		"/sys/class/infiniband/mlx5_0/ports/1/state": "4: ACTIVE\n",
		"/sys/class/infiniband/mlx5_1/ports/1/state": "1: DOWN\n",
		"/sys/class/infiniband/mlx5_1/ports/2/state": "4: ACTIVE\n",
		"/sys/class/infiniband/mlx5_2/ports/1/state": "2: INIT\n",
	}
	if got := survey(t, fake(tree), Request{}).RDMA; got != (RDMA{Devices: 3, Active: 2}) {
		t.Errorf("%+v", got)
	}
	tree["/dev/infiniband/uverbs0"] = ""
	if got := survey(t, fake(tree), Request{}).RDMA; !got.Usable {
		t.Errorf("%+v", got)
	}
}

func TestLink(t *testing.T) {
	h := fake(map[string]string{
		"/sys/class/net/eth0/mtu": "1500\n", "/sys/class/net/eth0/speed": "1000\n", "/sys/class/net/eth1/speed": "25000\n",
		"/sys/class/net/ib0/speed": "200000\n", "/sys/class/net/tun0/speed": "-1\n", "/sys/class/net/odd/speed": "4294967295\n",
	})
	got := LinkOf(h, "eth0", []string{"eth0", "eth1", "ib0", "tun0", "odd", "gone"})
	if want := (Link{Name: "eth0", MTU: 1500, Speed: 1000, Faster: &Link{Name: "ib0", Speed: 200000}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"ib0", "tun0", "odd", "gone"} {
		if got := LinkOf(h, name, []string{"eth1"}); got.Faster != nil || name != "ib0" && got.Speed != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
