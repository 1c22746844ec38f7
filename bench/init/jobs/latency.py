# Answers every USR1 with the instant at which it came, in ns.
import os
import signal
import time

want = {signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, want)
os.write(1, b"ready\n")
while True:
    signal.sigwait(want)
    os.write(1, b"%d\n" % time.clock_gettime_ns(time.CLOCK_MONOTONIC))
