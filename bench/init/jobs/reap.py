# For each line on standard input: a process with so many dead children ends, and
# the time is taken until the last of them has been reaped, in ns.
import os
import sys
import time


def parent(count, out, go):
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    os.write(out, b" ".join(b"%d" % p for p in pids) + b"\n")
    os.read(go, 1)
    os._exit(0)


def there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


print("ready", flush=True)
while line := sys.stdin.readline():
    out_r, out_w = os.pipe()
    go_r, go_w = os.pipe()
    child = os.fork()
    if child == 0:
        parent(int(line), out_w, go_r)
    os.close(out_w)
    with os.fdopen(out_r) as f:
        pids = [int(p) for p in f.readline().split()]
    print("dead", flush=True)
    sys.stdin.readline()  # the one who measures has read the init's CPU time
    begin = time.monotonic_ns()
    os.write(go_w, b"x")
    while pids:
        while there(pids[-1]):
            time.sleep(0.0002)  # the init has the CPU
        pids.pop()
    print(time.monotonic_ns() - begin, flush=True)
    os.waitpid(child, 0)
    os.close(go_r)
    os.close(go_w)
