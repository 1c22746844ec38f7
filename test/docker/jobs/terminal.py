"""Drive `docker run -it IMAGE` over a pseudo-terminal, as a person would.

The job reads a line, then counts the interrupts that one Ctrl-C causes.
Prints what it saw and the container's exit code.
"""
import os
import pty
import re
import sys

job = r"""
n=0
trap 'n=$((n+1)); echo interrupted' INT
printf 'ready?'; read line
printf 'wait?'
while [ $n = 0 ]; do read -t 1 x; done
read -t 1 x
echo "[line=$line interrupts=$n]"
exit 7
"""
pid, tty = pty.fork()
if pid == 0:
    os.execvp("docker", ["docker", "run", "--rm", "-it", sys.argv[1], "bash", "-c", job])
seen, said = b"", set()
while True:
    try:
        data = os.read(tty, 4096)
    except OSError:  # the other end is closed
        break
    if not data:
        break
    seen += data
    for prompt, answer in ((b"ready?", b"hello\n"), (b"wait?", b"\x03")):
        if prompt in seen and prompt not in said:
            said.add(prompt)
            os.write(tty, answer)
_, status = os.waitpid(pid, 0)
found = re.search(rb"\[(.*?)\]", seen)
print(found.group(1).decode() if found else seen.decode(errors="replace"), f"code={os.waitstatus_to_exitcode(status)}")
