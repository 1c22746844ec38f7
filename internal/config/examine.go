package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// examine checks the values whose form the table can't tell.
func (c *Config) examine(name string) *fault {
	switch name {
	case nameHead:
		return examineHead(c.Head)
	case Prefix + "NODE_IP":
		return examineAddr(c.NodeIP)
	case Prefix + "INTERFACE":
		return examineInterface(c.Interface)
	case Prefix + "STATUS_ADDR":
		return examineStatusAddr(c.StatusAddr)
	}
	return nil
}

func examineHead(head string) *fault {
	if addr, err := netip.ParseAddr(head); err == nil {
		if addr.Is6() && addr.IsLinkLocalUnicast() && addr.Zone() == "" {
			return &fault{reason: "an address of one link, and not of which", next: "write the interface that leads there behind it, as in fe80::1%eth0, or give another address of that host"}
		}
		return examineAddr(addr)
	}
	if scheme, rest, ok := strings.Cut(head, "://"); ok && hostname(scheme) {
		host, _, _ := strings.Cut(rest, "/")
		host = host[strings.LastIndexByte(host, '@')+1:]
		if bare, _, err := net.SplitHostPort(host); err == nil {
			host = bare
		}
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		return &fault{reason: "a URL, not a host", next: "give the host alone" + suggestHead(host)}
	}
	if host, _, err := net.SplitHostPort(head); err == nil && host != "" {
		return &fault{reason: "a port doesn't belong here", next: "put it into " + namePort + ", if it isn't Ray's, and give the host alone" + suggestHead(host)}
	}
	if bare := strings.TrimSuffix(strings.TrimPrefix(head, "["), "]"); bare != head {
		return &fault{reason: "brackets don't belong here", next: "leave them out" + suggestHead(bare)}
	}
	if strings.ContainsFunc(head, func(r rune) bool { return r > unicode.MaxASCII }) {
		return &fault{reason: "a host name has no letters but a to z", next: "give the name that DNS has for it (xn--...), or the address"}
	}
	if !hostname(head) {
		return &fault{reason: "neither a host name nor an IP address"}
	}
	return nil
}

// suggestHead ends a next step with the right value, where host is one.
func suggestHead(host string) string {
	if examineHead(host) != nil {
		return ""
	}
	return ": " + nameHead + "=" + host
}

// hostname reports whether a resolver could take s for a host name. It allows
// the underscores of compose's names, and refuses names whose last part is a
// number: they are mistyped addresses. No part begins or ends with a hyphen: Go's
// resolver doesn't even ask for such a name.
func hostname(s string) bool {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInHostname) || strings.Trim(label, "-") != label {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(s) <= 253 && strings.Trim(last, "0123456789") != ""
}

func notInHostname(r rune) bool {
	return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

func examineAddr(addr netip.Addr) *fault {
	if addr = addr.Unmap(); addr.IsUnspecified() || addr.IsMulticast() || addr.String() == "255.255.255.255" {
		return &fault{reason: "not the address of one host", next: "use the address at which the other nodes reach that node"}
	}
	if addr.Zone() != "" && examineInterface(addr.Zone()) != nil {
		return &fault{reason: "the part behind % is not an interface's name", next: "list the interfaces with: ip -br addr"}
	}
	return nil
}

// examineInterface catches NCCL's notations, and what no interface is called;
// whether there is one of that name isn't known here.
func examineInterface(name string) *fault {
	const longest = 15 // IFNAMSIZ in linux/if.h, less the final zero
	if strings.ContainsAny(name, "=^,") {
		return &fault{reason: "one exact name is wanted, not NCCL's notation", next: "name the one interface that leads to the other nodes: ip -br addr"}
	}
	if len(name) > longest || strings.ContainsFunc(name, notInInterface) {
		return &fault{reason: "not an interface's name", next: "list the interfaces with: ip -br addr"}
	}
	return nil
}

// notInInterface is what the kernel refuses (dev_valid_name in
// net/core/dev.c), and what no terminal shows.
func notInInterface(r rune) bool {
	return r == '/' || r == ':' || unicode.IsSpace(r) || !unicode.IsPrint(r)
}

func examineStatusAddr(addr string) *fault {
	if addr == "off" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return &fault{reason: "not HOST:PORT"}
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostname(host) {
		return &fault{reason: "its host is neither a host name nor an IP address", next: "leave it out for every address of this host: " + Prefix + "STATUS_ADDR=:" + port}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return &fault{reason: "the port is not a number from 1 to 65535"}
	}
	return nil
}
