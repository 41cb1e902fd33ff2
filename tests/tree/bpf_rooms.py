#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds bpf/ to its floors: a file includes its own room and rooms on a floor below, and of the
rest of the tree sluice/abi/ alone.

Prints a line for each break, and for each circle of includes. Exit code 1 if there is one.
"""
import re
import sys
from pathlib import Path

BPF = Path(__file__).resolve().parents[2] / "bpf"
PUBLIC = BPF.parent / "include"

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
    """(line, included file) for each file of the tree that this one includes, or tries to."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
        # In angle brackets it is the system's, unless it begins as ours do.
        if found and (found[1] == '"' or found[2].split("/")[0] in ("sluice", "..", *FLOOR)):
            ours = [base / found[2] for base in (path.parent, BPF, PUBLIC)]
            yield number, next(filter(Path.is_file, ours), BPF / found[2]).resolve()


def room(path):
    """Its folder in bpf/; None elsewhere."""
    return path.relative_to(BPF).parent.as_posix() if path.is_relative_to(BPF) else None


def breaks(files):
    for path in files:
        here = room(path)
        if here not in FLOOR:
            yield f"{path.relative_to(BPF.parent)}: its room has no floor in FLOORS"
            continue
        for number, included in includes(path):
            there, at = room(included), f"{path.relative_to(BPF.parent)}:{number}"
            if not included.is_file():
                yield f"{at}: there is no {included}"
            elif there is None and included.is_relative_to(PUBLIC / "sluice/abi"):
                continue
            elif there is None:
                yield f"{at}: {included} is neither of bpf/ nor of sluice/abi/"
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
    # Whatever its ending: what is included may have any.
    files = sorted(path for path in BPF.rglob("*") if path.is_file())
    found = [*breaks(files), *(f"bpf/: a circle of includes: {it}" for it in circles(files))]
    print("\n".join(found) or f"bpf_rooms: {len(files)} files, {len(FLOORS)} floors: ok")
    return 1 if found else 0


sys.exit(main())
