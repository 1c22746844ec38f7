//go:build syminit_entry

#include "textflag.h"

// syminit_entry is where a program begins that is built with
// -tags syminit_entry -ldflags "-E syminit_entry -checklinkname=0": see origin. It must leave the stack as the kernel made it.
TEXT syminit_entry(SB),NOSPLIT|NOFRAME,$0
	MOVL	$14, AX // rt_sigprocmask(SIG_BLOCK, &origin.every, &origin.blocked, 8)
	MOVL	$0, DI
	LEAQ	·origin+64(SB), SI
	LEAQ	·origin+8(SB), DX
	MOVL	$8, R10
	SYSCALL
	MOVL	$64, R12
signal:
	MOVL	$13, AX // rt_sigaction(R12, nil, &origin.action, 8)
	MOVL	R12, DI
	MOVL	$0, SI
	LEAQ	·origin+32(SB), DX
	MOVL	$8, R10
	SYSCALL
	SHLQ	$1, ·origin+16(SB)
	CMPQ	·origin+32(SB), $1 // SIG_IGN
	JNE	handled
	ORQ	$1, ·origin+16(SB)
handled:
	MOVQ	$0, ·origin+32(SB)
	DECL	R12
	JNZ	signal
	MOVL	$2, R12
descriptor:
	MOVL	$72, AX // fcntl(R12, F_GETFD)
	MOVL	R12, DI
	MOVL	$1, SI
	SYSCALL
	SHLQ	$1, ·origin+24(SB)
	CMPQ	AX, $-9 // EBADF
	JNE	open
	ORQ	$1, ·origin+24(SB)
open:
	DECL	R12
	JGE	descriptor
	// runtime.sigtable[n].flags of HUP, INT, QUIT and TERM: the entries have 24
	// bytes, flags first. 3 is _SigNotify+_SigKill, 5 is _SigNotify+_SigThrow.
	LEAQ	runtime·sigtable(SB), R13
	CMPL	24(R13), $3
	JNE	other
	CMPL	48(R13), $3
	JNE	other
	CMPL	72(R13), $5
	JNE	other
	CMPL	360(R13), $3
	JNE	other
	MOVL	$1, 24(R13)
	MOVL	$1, 48(R13)
	MOVL	$1, 72(R13)
	MOVL	$1, 360(R13)
other:
	MOVQ	$1, ·origin+0(SB)
	JMP	_rt0_amd64_linux(SB)
