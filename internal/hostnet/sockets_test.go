package hostnet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzInodes: of a socket the kernel's table has the one at this port in this state,
// whatever else stands in the table.
func FuzzInodes(f *testing.F) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	f.Add(head, uint16(6378), uint32(0x0100007F), true, uint64(12345), "   1: 0100007F:18EA 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 7 1 0 100 0 0 10 0\n")
	f.Add("", uint16(0), uint32(0), false, uint64(0), ":::::::::")
	f.Add("\xff\n", uint16(80), uint32(1), true, ^uint64(0), "0: A:0050 B:1 0A 4 5 6 7 8 9")
	f.Fuzz(func(t *testing.T, before string, port uint16, addr uint32, isV6 bool, inode uint64, after string) {
		text := fmt.Sprintf("%08X", addr)
		if isV6 {
			text = strings.Repeat(text, 4)
		}
		// tcp_diag's get_tcp4_sock in Linux's net/ipv4/tcp_ipv4.c
		line := fmt.Sprintf("%4d: %s:%04X %s:%04X %s %08X:%08X %02X:%08X %08X %5d %8d %d 1 0\n", 3, text, port, text, port+1, listening, 0, 0, 0, 0, 0, 1000, 0, inode)
		want := fmt.Sprint(inode)
		around := slices.Concat(inodes([]byte(before+"\n"), port, listening), inodes([]byte(after), port, listening))
		table := []byte(before + "\n" + line + after)
		if got := inodes(table, port, listening); len(got) != len(around)+1 || !slices.Contains(got, want) {
			t.Errorf("%q: port %d has %q, want %s and %q", table, port, got, want, around)
		}
		for state, other := range map[string]uint16{established: port, listening: port + 1} {
			if got := inodes([]byte(line), other, state); len(got) != 0 {
				t.Errorf("%q: port %d in state %s has %q", line, other, state, got)
			}
		}
		for _, got := range inodes([]byte(after), port, established) {
			if strings.ContainsAny(got, " \t\n") || got == "" {
				t.Errorf("%q: a socket %q", after, got)
			}
		}
	})
}
