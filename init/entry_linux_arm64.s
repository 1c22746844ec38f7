//go:build syminit_entry

#include "textflag.h"

// syminit_entry is where a program begins that is built with
// -tags syminit_entry -ldflags "-E syminit_entry -checklinkname=0": see origin. It must leave the stack as the kernel made it.
TEXT syminit_entry(SB),NOSPLIT|NOFRAME,$0
	MOVD	$·origin(SB), R19
	MOVD	$135, R8 // rt_sigprocmask(SIG_BLOCK, &origin.every, &origin.blocked, 8)
	MOVD	$0, R0
	ADD	$64, R19, R1
	ADD	$8, R19, R2
	MOVD	$8, R3
	SVC
	MOVD	$64, R20
	MOVD	$0, R21
signal:
	MOVD	$134, R8 // rt_sigaction(R20, nil, &origin.action, 8)
	MOVD	R20, R0
	MOVD	$0, R1
	ADD	$32, R19, R2
	MOVD	$8, R3
	SVC
	LSL	$1, R21, R21
	MOVD	32(R19), R4
	CMP	$1, R4 // SIG_IGN
	BNE	handled
	ORR	$1, R21, R21
handled:
	MOVD	$0, R4
	MOVD	R4, 32(R19)
	SUB	$1, R20, R20
	CBNZ	R20, signal
	MOVD	R21, 16(R19)
	MOVD	$2, R20
	MOVD	$0, R21
descriptor:
	MOVD	$25, R8 // fcntl(R20, F_GETFD)
	MOVD	R20, R0
	MOVD	$1, R1
	SVC
	LSL	$1, R21, R21
	CMN	$9, R0 // -EBADF
	BNE	open
	ORR	$1, R21, R21
open:
	SUBS	$1, R20, R20
	BGE	descriptor
	MOVD	R21, 24(R19)
	// runtime.sigtable[n].flags of HUP, INT, QUIT and TERM: the entries have 24
	// bytes, flags first. 3 is _SigNotify+_SigKill, 5 is _SigNotify+_SigThrow.
	MOVD	$runtime·sigtable(SB), R22
	MOVW	24(R22), R4
	CMPW	$3, R4
	BNE	other
	MOVW	48(R22), R4
	CMPW	$3, R4
	BNE	other
	MOVW	72(R22), R4
	CMPW	$5, R4
	BNE	other
	MOVW	360(R22), R4
	CMPW	$3, R4
	BNE	other
	MOVD	$1, R4
	MOVW	R4, 24(R22)
	MOVW	R4, 48(R22)
	MOVW	R4, 72(R22)
	MOVW	R4, 360(R22)
other:
	MOVD	$1, R4
	MOVD	R4, 0(R19)
	JMP	_rt0_arm64_linux(SB)
