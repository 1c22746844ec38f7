# Orphans: parents with "each" dead children end, "rounds" times. Then tells how
# long the oldest zombie that it saw was one, and ends with 37. While any of
# them may be there, this process looks at all others every 10 ms.
import os
import sys
import time

each, rounds = int(sys.argv[1]), int(sys.argv[2])


def zombies(breeder):
    """Dead processes that are the init's: not the breeder's, nor a parent's."""
    dead, parents = {}, {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/" + name + "/stat", "rb") as f:
                stat = f.read()
        except OSError:
            continue
        rest = stat[stat.rindex(b")") + 2:].split()
        parents[int(name)] = int(rest[1])
        if rest[0] == b"Z":
            dead[int(name)] = int(rest[1])
    mine = {breeder, os.getpid()}
    return {p for p, up in dead.items() if up not in mine and parents.get(up) != breeder}


def parent():
    for _ in range(each):
        if os.fork() == 0:
            os._exit(0)
    os._exit(0)


breeder = os.fork()
if breeder == 0:
    for _ in range(rounds):
        pid = os.fork()
        if pid == 0:
            parent()
        os.waitpid(pid, 0)
    os._exit(0)

seen, oldest, over = {}, 0.0, False
while True:
    if not over:
        over = os.waitpid(breeder, os.WNOHANG)[0] == breeder
    now = time.monotonic()
    seen = {p: seen.get(p, now) for p in zombies(breeder)}
    if seen:
        oldest = max(oldest, now - min(seen.values()))
    if over and not seen:
        break
    if oldest > 20:
        print("a zombie stays", flush=True)
        sys.exit(1)
    time.sleep(0.01)
print("oldest %.2f" % oldest, flush=True)
sys.exit(37)
