"""Prints the table of ratios: what redisload costs beside redis-benchmark and resp-benchmark.

    ./dev bench                       everything
    ./dev bench --quick               fewer pairs: a first look
    ./dev bench --rows 50,p16         some rows
    ./dev bench --rows set,lpush,mix  a command of a workload; a mix of custom commands
    ./dev bench --json FILE           every measurement as well

Rows: 50 … sampling are SET and GET, half and half. set, get, incr, lpush, rpop, sadd, hset and zadd are one
command each, beside redis-benchmark's test of that name. checkout is one connection that is taken out of
its pool for each operation, beside one that a worker owns. mix is four custom commands mixed, beside the same
ones one by one, and beside SET alone. recorder … samples are costs on one side.

A measurement is CPU at N2 operations minus CPU at N1, divided by N2 - N1: start, connecting and report
cancel out, prefill is done beforehand. Server and client have a processor each. What is claimed is the bound
of the interval, not the median.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import json
import os
import platform
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.clients import RedisBenchmark, Redisload, RespBenchmark
from benchmarks.costs import COSTS
from benchmarks.rows import ROWS, Line, context, run_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Job: TypeAlias = Callable[[int, Callable[[str], None]], tuple[list[Line], dict[str, Any]]]

PAIRS, QUICK_PAIRS = 16, 6


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine() -> dict[str, str]:
    """What the figures belong to."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control")
    return {
        "date": dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} processors, {_processor()}, {memory:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}, TCP {congestion.read_text().strip()}",
        "python": platform.python_version(),
        "tools": ", ".join(client.version() for client in (Redisload(), RedisBenchmark(), RespBenchmark())),
        "server": _server_version(),
    }


def _server_version() -> str:
    import redis

    import redisload as rl

    with rl.server() as server, redis.Redis(port=server.port) as client:
        return "redis-server " + str(client.info("server")["redis_version"])


def table(lines: list[Line]) -> str:
    """The lines as a Markdown table whose source is aligned."""
    cells = [
        ("load", "measure", "redisload", "peer", "median ratio [95 %]", "limit", ""),
        *((x.row, x.measure, x.ours, x.peer, x.ratio, x.limit, x.verdict) for x in lines),
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    rows = ["| " + " | ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    return "\n".join([rows[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *rows[1:]])


def tell(message: str) -> None:
    """Progress, on standard error."""
    print(message, file=sys.stderr, flush=True)


def main() -> int:
    """Measures and prints; the exit status is 0 whatever the figures are, 1 when some could not be had."""
    names = [row.name for row in ROWS] + list(COSTS)
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAIRS} pairs instead of {PAIRS}")
    parser.add_argument("--pairs", type=int, metavar="N", help="pairs of each row (at least 6)")
    parser.add_argument("--rows", metavar="NAME,...", help=f"some of {', '.join(names)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write every measurement")
    arguments = parser.parse_args()
    chosen = arguments.rows.split(",") if arguments.rows else names
    if unknown := set(chosen) - set(names):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    pairs = arguments.pairs or (QUICK_PAIRS if arguments.quick else PAIRS)
    if pairs < 6:
        parser.error("fewer than 6 pairs bound nothing")
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("server and client need a processor each")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    facts = machine()
    lines: list[Line] = []
    records: list[dict[str, Any]] = []
    failures: list[str] = []
    jobs: dict[str, Job] = {row.name: functools.partial(run_row, row) for row in ROWS} | COSTS
    for name in [name for name in names if name in chosen]:
        tell(f"{name}:")
        try:
            new, record = jobs[name](pairs, tell)
        except (RuntimeError, OSError) as error:
            failures.append(f"{name}: {error}")  # what the other rows measured is still worth having
            tell(failures[-1])
            continue
        lines += new
        records.append(record)
        if arguments.json:
            everything = {"facts": facts, "pairs": pairs, "rows": records, "table": [vars(x) for x in lines]}
            arguments.json.write_text(json.dumps(everything))
    for key, value in facts.items():
        print(f"{key + ':':<9}{value}")
    print(f"{pairs} pairs in A B B A order; intervals by order statistics\n")
    print(table(lines))
    print("\n" + "\n".join(f"{record['row']}: {context(record)}" for record in records if "tools" in record))
    for failure in failures:
        print(f"\nnot measured: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
