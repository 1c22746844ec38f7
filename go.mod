module github.com/syminit/syminit

go 1.26.8

require (
	github.com/caarlos0/env/v10 v10.0.0
	github.com/coreos/go-systemd/v22 v22.7.0
	github.com/hashicorp/go-reap v0.0.0-20170704170343-bf58d8a43e7b
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	go.uber.org/zap v1.28.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

require go.uber.org/multierr v1.10.0 // indirect
