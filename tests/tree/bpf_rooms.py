#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds bpf/ to its floors: a file includes its own room and rooms on a floor below.

Prints a line for each break, and for each circle of includes. Exit code 1 if there is one.
"""
import re
import sys
from pathlib import Path

BPF = Path(__file__).parents[2] / "bpf"

# From the lowest floor to the highest. Rooms that share a floor do not know each other, but for
# those of the lowest: they are the vocabulary that everything is said in.
FLOORS = [
    ["lib", "ctx", "maps"],
    ["nat", "guard", "block", "qos"],
    ["detect"],
    ["flow"],
    ["policy"],
    ["route"],
    ["pass"],
    ["switch"],
    ["sweep"],
    ["."],  # the entry files
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def includes(path):
    """(line, included file) for each file of bpf/ that this one includes."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
        if not found or found[2].startswith("sluice/abi/"):
            continue
        ours = [base / found[2] for base in (path.parent, BPF) if (base / found[2]).is_file()]
        if ours or found[1] == '"':
            yield number, (ours or [BPF / found[2]])[0].resolve()


def room(path):
    return path.relative_to(BPF).parent.as_posix()


def breaks(files):
    for path in files:
        here = room(path)
        if here not in FLOOR:
            yield f"{path.relative_to(BPF.parent)}: its room has no floor in FLOORS"
            continue
        for number, included in includes(path):
            there, at = room(included), f"{path.relative_to(BPF.parent)}:{number}"
            if not included.is_file():
                yield f"{at}: there is no {included.relative_to(BPF.parent)}"
            elif there != here and FLOOR.get(there, len(FLOORS)) >= FLOOR[here] > 0:
                yield f"{at}: {here}/ includes {there}/, which is not below it"
            elif FLOOR[here] == 0 and FLOOR.get(there) != 0:
                yield f"{at}: {here}/ is on the lowest floor and includes {there}/"


def circles(files):
    """Each include that leads back to its own file."""
    graph = {path: [included for _, included in includes(path)] for path in files}
    done, way = set(), []

    def visit(path):
        if path in way:
            yield " -> ".join(str(it.relative_to(BPF)) for it in way[way.index(path):] + [path])
        if path in done:
            return
        done.add(path)
        way.append(path)
        for included in graph.get(path, []):
            yield from visit(included)
        way.pop()

    for path in files:
        yield from visit(path)


def main():
    files = sorted(BPF.rglob("*.[ch]"))
    found = [*breaks(files), *(f"bpf/: a circle of includes: {it}" for it in circles(files))]
    print("\n".join(found) or f"bpf_rooms: {len(files)} files, {len(FLOORS)} floors: ok")
    return 1 if found else 0


sys.exit(main())
