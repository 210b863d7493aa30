"""A control group with limits, as Slurm makes one for a job."""
import errno
import os
from pathlib import Path

from support import wait_until


def removed(folder):
    """Tries to remove a group. Processes that were killed are in it until the system has taken their memory back."""
    try:
        folder.rmdir()
    except OSError as e:
        if e.errno != errno.EBUSY:
            raise
        return False
    return True


class ControlGroup:
    """Below this process's group, of version 1 or 2; for a `with` statement. `memory`: bytes, page cache included; `reading`:
    bytes per second from the disk that `folder` is on. OSError where none can be made."""

    def __init__(self, name, memory, reading=None, folder="."):
        own = {part: parts[2] for parts in (line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().split("\n") if line)
               for part in parts[1].split(",")}

        def place(controller):
            below = own[controller] if controller in own else own[""]
            return Path("/sys/fs/cgroup" + (f"/{controller}" if controller in own else "") + below) / name

        first = "memory" in own
        limits = {place("memory") / ("memory.limit_in_bytes" if first else "memory.max"): str(memory)}
        if reading:
            device = os.stat(folder).st_dev
            disk = f"{os.major(device)}:{os.minor(device)}"
            limits[place("blkio" if first else "io") / ("blkio.throttle.read_bps_device" if first else "io.max")] = (
                f"{disk} {reading}" if first else f"{disk} rbps={reading}")
        self.folders = []
        try:
            for file, value in limits.items():
                if file.parent not in self.folders:
                    file.parent.mkdir()
                    self.folders.append(file.parent)
                file.write_text(value)
        except OSError:
            self.__exit__()
            raise
        # What a command is prefixed with to run in the group.
        enter = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in self.folders)
        self.enter = ["sh", "-c", f'{enter}; exec "$@"', "sh"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for folder in self.folders:
            wait_until(lambda folder=folder: removed(folder), f"the last process in {folder} has ended")
