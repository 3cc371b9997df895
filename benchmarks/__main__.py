"""``python -m benchmarks [NAME] [--json] [--peers PYTHON] [options of the protocol]``.

Exit codes: 0 all checks hold; 1 a stated check fails; 2 the benchmark cannot be run as asked (data
missing, bad option, a peer's environment that does not work).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.protocol import PROTOCOLS, BenchmarkError, load_protocol
from benchmarks.table import show
from config.load import ConfigError
from data.contract import DataError
from models.base import ModelError

CHECK_FAILED = 1
NOT_RUNNABLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one protocol, or list them all; give the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments:
        width = max(map(len, PROTOCOLS))
        for name, entry in PROTOCOLS.items():
            print(f"{name:{width}}  {entry.line}")
        print("\nRun one with: python -m benchmarks NAME [--help]")
        return 0
    options = _parse(arguments)
    try:
        result = load_protocol(options.protocol).run(options)
    except (BenchmarkError, ConfigError, DataError, ModelError) as error:
        print(f"{options.protocol}: {error}", file=sys.stderr)
        return NOT_RUNNABLE
    show(result)
    for check in result.failed:
        print(f"check failed: {check.name} ({check.found})", file=sys.stderr)
    if options.json:
        checks = [{**check._asdict(), "passed": bool(check.passed)} for check in result.checks]
        print(json.dumps({"protocol": options.protocol, **result.payload, "checks": checks}))
    return CHECK_FAILED if result.failed else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options; only the module of the protocol asked for is imported."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="protocol", required=True, metavar="NAME")
    for name, entry in PROTOCOLS.items():
        command = commands.add_parser(name, help=entry.line, description=entry.line)
        command.add_argument(
            "--json", action="store_true", help="last line of the output: one JSON object"
        )
        command.add_argument(
            "--peers",
            type=Path,
            metavar="PYTHON",
            help="python of the peers' environment (benchmarks/peers/requirements.txt); "
            "without it their rows say 'not run'",
        )
        if name == arguments[0]:
            load_protocol(name).add_options(command)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
