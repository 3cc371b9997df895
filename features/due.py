"""What of the state must be built: found without a look at every old day.

The log is listed once and its digests are compared block by block: a block (28 days) names all that
its days were made from, so as long as it is there and says what the log says, none of its days is
looked at. Before a day is written anew its block is removed: a block never outlives its days,
wherever a run is cut off.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from data.lake import Lake, Partition, digest
from features import cut
from features.cut import block_end, day_of

DAYS, BLOCKS, PART = ("features", "days"), ("features", "blocks"), "part.parquet"


def state_days(lake: Lake) -> list[date]:
    """Days that have a partition in the state, in order."""
    return [day_of(name) for name in _named(lake, DAYS, "day=")]


def state_blocks(lake: Lake) -> list[date]:
    """Ends (exclusive) of the blocks of the state, in order."""
    return [day_of(name) for name in _named(lake, BLOCKS, "before=")]


@dataclass(frozen=True)
class Due:
    """What there is to do; names are those of partitions (``day=…``, ``before=…``), in order.

    Attributes:
        inputs: day → what its partition is made from.
        stale: days whose partition is missing or was made from something else.
        gone: days of the state that the log has no longer.
        blocks: all blocks that are complete → their days.
        merge: block that is missing or outdated → what it is made from.
        outdated: blocks of the state that must go before a day is written.
        last: the days behind the last block.
        days: partitions of the state that were looked at: of ``last`` and of what is to be merged.
        kept: blocks of the state that stay.
    """

    inputs: dict[str, str]
    stale: list[str]
    gone: list[str]
    blocks: dict[str, Sequence[str]]
    merge: dict[str, str]
    outdated: list[str]
    last: Sequence[str]
    days: dict[str, Partition]
    kept: dict[str, Partition]


def find_due(lake: Lake, as_of: date, made_by: str) -> Due:
    """Compare the state before ``as_of`` with the log.

    Args:
        lake: holds both.
        as_of: partitions of the log before it are looked at.
        made_by: how days are made; a state made otherwise is built anew.

    Raises:
        NotEnoughHistoryError: the log has no day before ``as_of``.
    """
    names = cut.names_before(lake.day_names(), as_of)
    if not names:
        lake.interaction_files(as_of)  # says so in the user's words
    log = lake.partitions("interactions", names=names)
    content = {n: (log.get(n) or lake.partition("interactions", n)).content for n in names}
    blocks, last = _blocks(names, as_of)
    made_from = {
        block: f"{made_by} {' '.join([*inside, *(content[name] for name in inside)])}"
        for block, inside in blocks.items()
    }
    built = _named(lake, DAYS, "day=")
    there, kept = set(built), lake.partitions(*BLOCKS)
    gone = [name for name in cut.names_before(built, as_of) if name not in content]
    missing = [name for name in names if name not in there]
    broken = {_block_of(name) for name in (*gone, *missing)}
    merge = {
        block: found
        for block, found in made_from.items()
        if block in broken or block not in kept or kept[block].inputs != digest(found)
    }
    doubtful = [*(name for block in merge for name in blocks[block]), *last]
    days = lake.partitions(*DAYS, names=[name for name in doubtful if name in there])
    inputs = {name: f"{made_by} {content[name]}" for name in doubtful}
    stale = [n for n in doubtful if n not in days or days[n].inputs != digest(inputs[n])]
    # A block that ends after as_of may hold days that are about to change, too.
    broken.update(_block_of(name) for name in stale)
    past = {block for block in kept if day_of(block) <= as_of}
    outdated = sorted((past - blocks.keys()) | (kept.keys() & (broken | merge.keys())))
    kept = {block: found for block, found in kept.items() if block not in outdated}
    return Due(inputs, stale, gone, blocks, merge, outdated, last, days, kept)


def _blocks(names: Sequence[str], as_of: date) -> tuple[dict[str, Sequence[str]], Sequence[str]]:
    """Give the complete blocks before ``as_of`` with their days, and the days behind the last."""
    blocks, start = {}, 0
    while start < len(names) and (end := block_end(day_of(names[start]))) <= as_of:
        stop = bisect_left(names, f"day={end}")
        blocks[f"before={end}"] = names[start:stop]
        start = stop
    return blocks, names[start:]


def _block_of(name: str) -> str:
    return f"before={block_end(day_of(name))}"


def _named(lake: Lake, folder: tuple[str, ...], prefix: str) -> list[str]:
    # Half-written folders have other names (see Lake.writing): they are not state.
    return [name for name in lake.names(*folder) if name.startswith(prefix)]
