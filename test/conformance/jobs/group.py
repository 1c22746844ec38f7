# Two processes of one process group, each telling of its signals.
import os
import signal

every = signal.valid_signals() - {signal.SIGCHLD}
signal.pthread_sigmask(signal.SIG_BLOCK, every)
child = os.fork()
name = "job" if child else "child"
print(name, "ready", flush=True)
while True:
    got = signal.sigwaitinfo(every).si_signo
    print(name, got, flush=True)
    if got == signal.SIGTERM:
        break
if child:
    os.waitpid(child, 0)
