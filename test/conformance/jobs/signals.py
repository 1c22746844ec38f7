# Prints the number of every signal it gets, to the end, TERM. Blocked signals
# wait: none is lost, and none ends or stops this process.
import signal

every = signal.valid_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, every)
print("ready", flush=True)
while True:
    got = signal.sigwaitinfo(every).si_signo
    print(got, flush=True)
    if got == signal.SIGTERM:
        break
while more := signal.sigtimedwait(every, 0.1):
    print("more:", more.si_signo, flush=True)
