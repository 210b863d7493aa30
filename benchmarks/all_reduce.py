"""All-reduce of f32 on this host: our interface and the gradient reducer beside a bare MPI_Allreduce (by turns in one
program) and beside Gloo through torch.distributed (by turns of programs).

    cmake --build --preset release --target all_reduce_benchmark
    .venv/bin/python benchmarks/all_reduce.py [--ranks 2] [--turns 3]
"""
import argparse
import json
import statistics
from pathlib import Path

import measure

BENCHMARK = measure.SOURCE / "build/release/benchmarks/all_reduce_benchmark"
TORCHRUN = measure.SOURCE / ".venv/bin/torchrun"
GLOO_SIZES = [4096, 262144, 2_700_000, 27_000_000]
MEBI = 1 << 20


def last_json(output):
    return json.loads([line for line in output.splitlines() if line.startswith("{")][-1])


def median_of(results):
    """Results of the same shape, nested dictionaries of seconds, value by value."""
    if isinstance(results[0], dict):
        return {key: median_of([r[key] for r in results]) for key in results[0]}
    return statistics.median(results)


def measured(ranks, turns, rounds):
    ours = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", str(BENCHMARK), str(rounds)]
    gloo = [str(TORCHRUN), "--nproc-per-node", str(ranks), str(Path(__file__).with_name("all_reduce_gloo.py")), str(rounds)]
    ours_results, gloo_results = [], []
    for _ in range(turns):
        ours_results.append(last_json(measure.run(ours, measure.SOURCE)[1]))
        gloo_results.append(last_json(measure.run(gloo + [str(b) for b in GLOO_SIZES], measure.SOURCE)[1]))
    return median_of(ours_results), median_of(gloo_results)


def microseconds(seconds):
    return f"{seconds * 1e6:,.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    measure.need(BENCHMARK, "cmake --build --preset release --target all_reduce_benchmark")
    measure.need(TORCHRUN, "launchers/setup makes .venv")
    measure.rankflow()
    print(f"{measure.machine()}; {options.ranks} ranks, median microseconds of {options.turns} x {options.rounds} rounds")
    ours, gloo = measured(options.ranks, options.turns, options.rounds)

    print(f"{'bytes':>11} {'MPI':>12} {'interface':>12} {'ratio':>6} {'reducer':>12} {'ratio':>6} {'thread':>12} {'bf16':>12}")
    for size, t in ours["sizes"].items():
        print(f"{int(size):>11,} {microseconds(t['mpi']):>12} {microseconds(t['interface']):>12} {t['interface'] / t['mpi']:>6.2f} "
              f"{microseconds(t['reducer']):>12} {t['reducer'] / t['mpi']:>6.2f} {microseconds(t['reducer_thread']):>12} "
              f"{microseconds(t['reducer_bf16']):>12}")
    print(f"\n{'bytes':>11} {'interface':>12} {'Gloo':>12} {'Gloo / ours':>12}")
    for size, seconds in gloo.items():
        own = ours["sizes"][size]["interface"]
        print(f"{int(size):>11,} {microseconds(own):>12} {microseconds(seconds):>12} {seconds / own:>12.1f}")
    print("\n100 MiB in buckets of: " + ", ".join(f"{int(b) / MEBI:g} MiB {s * 1000:.1f} ms" for b, s in ours["buckets"].items()))

    smallest = ours["sizes"]["4"]
    print(f"fixed cost of the reducer: {microseconds(smallest['reducer'] - smallest['mpi'])} us inline, "
          f"{microseconds(smallest['reducer_thread'] - smallest['mpi'])} us with its thread\n")
    verdicts = measure.Verdicts()
    for size, t in ours["sizes"].items():
        if int(size) >= MEBI:
            verdicts.check(f"interface / MPI_Allreduce at {int(size):,} bytes", t["interface"] / t["mpi"], 1.05, at_most=True)
        if int(size) >= 32 * MEBI:
            verdicts.check(f"reducer / MPI_Allreduce at {int(size):,} bytes", t["reducer"] / t["mpi"], 1.05, at_most=True)
    verdicts.leave()


if __name__ == "__main__":
    main()
