"""Memory and processor time of another process, from Linux' /proc."""

from pathlib import Path


def resident(pid: int) -> int:
    """Resident memory in bytes (proc(5), VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes) * 1024


def processor(pid: int) -> float:
    """Seconds of processor time so far, all threads (proc(5), schedstat: nanoseconds)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in threads) / 1e9
