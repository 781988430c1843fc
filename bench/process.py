"""Memory and processor time of another process, from Linux' /proc."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Resident memory in bytes (proc(5), VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes) * 1024


def processor(pid: int) -> float:
    """Seconds of processor time so far, all threads (proc(5), schedstat: nanoseconds)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in threads) / 1e9


def processor_of_all(pid: int) -> float:
    """The same of a process and its children, those that have ended too (proc(5), stat: utime,
    stime, cutime, cstime; ticks of 10 ms)."""
    stats = {int(file.parent.name): _stat(file) for file in Path("/proc").glob("[0-9]*/stat")}
    own = stats[pid][11:15]
    children = [stat[11:15] for stat in stats.values() if stat and int(stat[1]) == pid]
    return sum(int(part) for times in (own, *children) for part in times) / _TICKS


def _stat(file: Path) -> list[str]:
    """What follows the name, in which anything may be; nothing of one that has ended."""
    try:
        return file.read_text().rpartition(")")[2].split()
    except OSError:
        return []
