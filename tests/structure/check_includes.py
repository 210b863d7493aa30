"""Fails on an include against the direction of dependency, and on a library's header outside its place.

    check_includes.py ROOT          checks the tree
    check_includes.py --self-test   plants wrong includes in a copy of nothing and sees that each one is found
"""
import re
import sys
import tempfile
from pathlib import Path

# A folder may include itself and the folders to its right.
ARROW = ["launchers", "steps", "runtime", "io", "collectives", "base"]

# Headers of libraries, and the only files that may see them: (what, header, files).
PLACES = [
    ("MPI", r"mpi\.h$", r"collectives/(mpi_\w+\.cpp|mpi_handles\.h)$"),
    ("MPI's handles", r"collectives/mpi_(handles|communicator|mailbox)\.h$", r"collectives/mpi_\w+\.(cpp|h)$"),
    ("NCCL", r"nccl\.h$", r"collectives/(nccl_\w+\.cpp|nccl_handle\.h)$"),
    ("CUDA", r"cuda(_\w+)?\.h$", r"collectives/cuda_handles\.h$"),
    ("CUDA's and NCCL's handles", r"collectives/(cuda_handles|nccl_handle)\.h$", r"collectives/(nccl_\w+\.cpp|nccl_handle\.h|cuda_\w+\.cpp)$"),
    ("LibTorch's CUDA", r"(c10|ATen)/cuda/", r"steps/cuda_\w+\.(cpp|cu|h)$"),
    ("HDF5", r"hdf5(_hl)?\.h$|H5\w+\.h$", r"io/(\w+\.cpp|hdf5_handle\.h)$"),
    ("HDF5's handles", r"io/hdf5_handle\.h$", r"io/\w+\.cpp$"),
    ("libpng and libjpeg", r"(png|jpeglib|jerror)\.h$", r"io/image_\w+\.cpp$"),
    ("libcurl", r"curl/", r"io/web_server\.cpp$"),
    ("ODBC", r"sql\w*\.h$", r"io/database\.cpp$"),
    ("Arrow", r"(arrow|parquet)/", r"io/\w+\.(cpp|h)$"),
    ("LibTorch", r"(torch|ATen|c10)/", r"(steps|collectives)/\w+\.(cpp|h|cu)$"),
    ("libyaml", r"yaml\.h$", r"runtime/yaml\w*\.cpp$"),
    ("OpenSSL", r"openssl/", r"base/\w+\.cpp$"),
    ("Boost", r"boost/(?!math/)", r"launchers/\w+\.(cpp|h)$"),
    ("Boost.Math", r"boost/math/", r"steps/paired_tests\.cpp$"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def problems(root):
    found = []
    for folder in ARROW:
        for path in sorted((root / folder).glob("**/*")):
            if path.suffix not in {".h", ".cpp", ".inc", ".cu", ".cuh"}:
                continue
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                if match:
                    reason = judge(name, folder, match.group(1) == '"', match.group(2))
                    if reason:
                        found.append(f"{name}:{number}: {reason}")
    return found


def judge(name, folder, quoted, header):
    """What is wrong with `name` including `header`, or None."""
    top = header.split("/")[0]
    if top in ARROW and ARROW.index(top) < ARROW.index(folder):
        return f"{header} is against the direction {' -> '.join(ARROW)}"
    for what, pattern, allowed in PLACES:
        if re.match(pattern, header):
            return None if re.search(allowed, name) else f"{header} ({what}) belongs only in {allowed}"
    if quoted and top not in [*ARROW, "tests"]:
        return f'"{header}" should be "folder/{header}" (ours) or <{header}> (a library\'s)'
    return None


def self_test():
    wrong = {
        "base/a.h": '#include "steps/registry.h"',
        "io/b.cpp": "#  include <mpi.h>",
        "collectives/c.h": "#include <mpi.h>",
        "collectives/mpi_d.cpp": "#include <hdf5.h>",
        "io/e.h": "#include <hdf5.h>",
        "collectives/nccl_o.h": "#include <nccl.h>",
        "collectives/p.cpp": "#include <cuda_runtime.h>",
        "collectives/nccl_q.h": '#include "collectives/cuda_handles.h"',
        "steps/r.cpp": "#include <c10/cuda/CUDAStream.h>",
        "runtime/m.cpp": '#include "collectives/mpi_handles.h"',
        "runtime/f.cpp": "#include <arrow/api.h>",
        "runtime/g.h": "#include <torch/torch.h>",
        "steps/h.cpp": '#include "launchers/options.h"',
        "steps/i.cpp": '#include "i.h"',
    }
    right = {
        "collectives/mpi_j.cpp": "#include <mpi.h>\n#include \"base/error.h\"",
        "collectives/nccl_s.cpp": '#include <nccl.h>\n#include "collectives/cuda_handles.h"',
        "collectives/cuda_handles.h": "#include <cuda_runtime.h>",
        "collectives/mpi_n.h": '#include "collectives/mpi_handles.h"',
        "io/k.cpp": "#include <hdf5.h>\n#include <arrow/api.h>",
        "steps/l.h": "#include <torch/torch.h>\n#include \"runtime/step.h\"",
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {**wrong, **right}.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text("// a comment\n" + text + "\n")
        found = problems(root)
        missed = [name for name in wrong if not any(p.startswith(f"{name}:2:") for p in found)]
        alarms = [p for p in found if p.split(":")[0] in right]
    if missed or alarms:
        sys.exit(f"not found: {missed}; false alarms: {alarms}")
    print(f"{len(wrong)} planted includes found, {len(right)} good files passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return
    root = Path(sys.argv[1])
    if not (root / "base").is_dir():
        sys.exit(f"{root} has no base/")
    found = problems(root)
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
