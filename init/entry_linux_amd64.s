#include "textflag.h"

// syminit_entry is where a program begins that is linked with -E syminit_entry:
// see origin. It must leave the stack as the kernel made it.
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
	MOVQ	$1, ·origin+0(SB)
	JMP	_rt0_amd64_linux(SB)
