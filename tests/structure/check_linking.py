"""Fails where the control program loads what only ranks need: check_linking.py BIN [--with-rank]

`rankflow` has to answer in milliseconds; loading LibTorch alone costs 0.19 s. With --with-rank it also sees that
rankflow-rank does load them, so that a check which finds nothing anywhere fails."""
import subprocess
import sys

HEAVY = ["libmpi", "libtorch", "libc10", "libhdf5", "libarrow", "libparquet"]


def heavy_libraries(program):
    listing = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    return {name for name in HEAVY if f"\t{name}" in listing}


control = heavy_libraries(f"{sys.argv[1]}/rankflow")
if control:
    sys.exit(f"rankflow loads {', '.join(sorted(control))}: a light library includes or links something heavy")
if "--with-rank" in sys.argv:
    missing = {"libmpi", "libtorch", "libhdf5", "libarrow"} - heavy_libraries(f"{sys.argv[1]}/rankflow-rank")
    if missing:
        sys.exit(f"rankflow-rank does not load {', '.join(sorted(missing))}: is this check still looking right?")
