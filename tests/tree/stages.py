#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the table at the head of each BPF entry file to the code.

A row is "stage | file | verdicts | drop reasons", a verdict by its first letter. From each entry
point the calls are followed, in the order in which they stand. The rows must come in that order;
each stage must be defined in its file; each reason that can be given must be given by a stage,
and be in the list of its row. What a stage calls that is a stage itself has its own row. NAME_*
stands for all reasons that begin so. The verdicts are for the reader: which of those that it calls
a stage passes on can't be told from the text, nor that a stage without reasons has no row.
Prints a line for each difference; exit code 1 if there is one.
"""
import functools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BPF, ABI = ROOT / "bpf", ROOT / "include"

# A function's name, but no struct's or map's; a reason, but none that is only compared with.
WORD = re.compile(r"((?:[=!]=|case|struct|enum|union|(?<!&)&)\s*)?\b(sl_\w+|SL_DROP_\w+)\b(?!\s*[=!]=)")
FUNCTION = re.compile(r"^(?!#)[^\n(;{}=]*?\b(sl_\w+)\s*\([^;{}]*\)\s*\{(.*?)^\}", re.M | re.S)


def plain(text):
    """Without comments and strings."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"[^"\n]*"', " ", text, flags=re.S)


def included(path, seen):
    """This file and those of bpf/ that it includes."""
    if path not in seen:
        seen.append(path)
        for name in re.findall(r'#include "([^"]+)"', path.read_text()):
            for base in (BPF, path.parent):
                if (base / name).is_file():
                    included(base / name, seen)
                    break
    return seen


def names(header, prefix):
    return set(re.findall(rf"\b{prefix}(\w+)\b", plain(header.read_text())))


class Program:
    def __init__(self, entry):
        self.entry, self.errors = entry, []
        self.bodies, self.home = {}, {}
        for path in included(entry, []):
            for name, body in FUNCTION.findall(plain(path.read_text())):
                self.bodies[name], self.home[name] = body, path.relative_to(BPF).as_posix()
        # Row by row: (entry point, stage, file, verdicts, reasons)
        self.rows, point = [], None
        head = entry.read_text().split("#include", 1)[0]
        for line in head.splitlines():
            cells = [cell.strip() for cell in line.removeprefix(" *").split("|")]
            if begin := re.match(r" \* (sl_\w+)\(\)", line):
                point = begin[1]
            elif len(cells) == 4 and not cells[0]:  # goes on with the row before
                self.rows[-1] = (*self.rows[-1][:4], f"{self.rows[-1][4]} {cells[3]}")
            elif len(cells) == 4 and cells[0] != "stage":
                self.rows.append((point, *cells))

    def say(self, what):
        self.errors.append(f"{self.entry.relative_to(ROOT)}: {what}")

    def stages(self, point):
        return {row[1] for row in self.rows if row[0] == point}

    @functools.cache
    def walk(self, point, name):
        """The stages passed by a call of this function, and (reason, function) of the others."""
        order, reasons = [], set()
        for compared, word in WORD.findall(self.bodies[name]):
            if compared:
                continue
            if word.startswith("SL_DROP_"):
                reasons.add((word.removeprefix("SL_DROP_"), name))
            elif word in self.bodies and word != name:
                inner_order, inner_reasons = self.walk(point, word)
                if word in self.stages(point):
                    order.append(word)
                else:
                    reasons |= inner_reasons
                order += inner_order
        return tuple(order), frozenset(reasons)

    def check_row(self, point, stage, file, verdicts, reasons):
        if self.home.get(stage) != file:
            self.say(f"{stage} is in {self.home.get(stage, 'no file that is included')}, not in {file}")
            return
        for letter in set(verdicts) - VERDICTS:
            self.say(f"{stage}: no verdict begins with {letter}")
        listed, given = re.findall(r"[\w*]+", reasons), {reason for reason, _ in self.walk(point, stage)[1]} & REASONS
        for item in listed:
            known = {it for it in REASONS if re.fullmatch(item.replace("*", r"\w+"), it)}
            if not known:
                self.say(f"{stage}: there is no reason SL_DROP_{item}")
            elif not known & given:
                self.say(f"{stage} does not give the reason {item}")
            given -= known
        for reason in sorted(given):
            self.say(f"{stage} gives the reason {reason}, which its row does not list")

    def check_point(self, point):
        """The rows of one entry point, against its calls."""
        order, outside = self.walk(point, point)
        for reason, function in sorted(outside):
            if reason in REASONS:
                self.say(f"{function}() gives the reason {reason}, and is in no stage of {point}()")
        at = iter(order)
        for _, stage, *_ in (row for row in self.rows if row[0] == point):
            if stage not in order:
                self.say(f"{point}() does not come to {stage}")
            elif stage not in at:
                self.say(f"{stage} is not passed behind the rows before it")
                at = iter(order)

    def check(self):
        if not self.rows:
            self.say("there is no table of stages")
        for row in self.rows:
            self.check_row(*row)
        points = re.findall(r"^SEC\([^\n]*\n(?:\w+ )*(sl_\w+)\(", self.entry.read_text(), re.M)
        for point in points:
            self.check_point(point)
        return self.errors


VERDICTS = {name[0] for name in names(BPF / "lib/verdict.h", "SL_")}
REASONS = set(re.findall(r"\bX\((\w+), \"", (ABI / "sluice/abi/reason.h").read_text()))


def main():
    programs = [Program(entry) for entry in sorted(BPF.glob("*.bpf.c"))]
    errors = [error for program in programs for error in program.check()]
    print("\n".join(errors) or f"stages: {sum(len(it.rows) for it in programs)} rows: ok")
    return 1 if errors else 0


sys.exit(main())
