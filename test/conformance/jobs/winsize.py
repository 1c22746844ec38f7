# Prints the terminal's size, and again whenever WINCH tells that it changed.
import os
import signal

want = {signal.SIGWINCH, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, want)
while True:
    size = os.get_terminal_size(0)
    print("size", size.lines, size.columns, flush=True)
    if signal.sigwait(want) == signal.SIGTERM:
        break
