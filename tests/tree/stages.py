#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the table at the head of each BPF entry file to the code.

A row is "stage | file | verdicts | drop reasons", a verdict by its first letter. From each entry
point the calls are followed, in the order in which they stand. The rows must come in that order;
each stage must be defined in its file; each reason that can be given must be given by a stage,
and be in the list of its row. What a stage calls that is a stage itself has its own row. NAME_*
stands for some reasons that begin so: which, the table doesn't tell.

A function that says Continue is a stage, or one of BETWEEN; so a row that is gone is noticed even
if it had no reasons. Verdicts are held to what can be told from the text: a stage that returns a
reason or a bool says Continue or Drop; one that returns a verdict says all that it names itself, D
if it has reasons, P if some are in brackets, and nothing that neither it nor what it calls names.
Prints a line for each difference; exit code 1 if there is one.
"""
import functools
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BPF, ABI = ROOT / "bpf", ROOT / "include"

# What leads from stage to stage and says Continue, and is no stage itself.
BETWEEN = {"sl_enter_watched", "sl_qos_enter", "sl_route_parts", "sl_fast_path"}
LETTERS = {f"SL_{it}": it[0] for it in "CONTINUE FORWARD PASS DROP REPLY HELD ENDED".split()}
# A function's name, but no struct's or map's; a verdict or reason, if it is not only compared with.
WORD = re.compile(r"((?:[=!]=|case|struct|enum|union|(?<!&)&)\s*)?\b(sl_\w+|SL_\w+)\b(?!\s*[=!]=)")
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)', re.M)
FUNCTION = re.compile(r"^(\w[\w\s*]*?)\b(sl_\w+)\s*\([^;{}]*\)\s*\{(.*?)^\}", re.M | re.S)


def plain(text):
    """Without comments and strings."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"[^"\n]*"', " ", text, flags=re.S)


def included(path, seen):
    """This file and those of bpf/ that it includes."""
    if path not in seen:
        seen.append(path)
        for name in INCLUDE.findall(path.read_text()):
            for base in (BPF, path.parent):
                if (base / name).is_file():
                    included(base / name, seen)
                    break
    return seen


class Program:
    def __init__(self, entry):
        self.entry, self.errors = entry, []
        self.bodies, self.home, self.result = {}, {}, {}
        for path in included(entry, []):
            for result, name, body in FUNCTION.findall(plain(path.read_text())):
                self.bodies[name], self.home[name] = body, path.relative_to(BPF).as_posix()
                self.result[name] = result.split()[-1]
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
        """The stages passed by a call of this function, and (SL_..., function) of the others."""
        order, said = [], set()
        for compared, word in WORD.findall(self.bodies[name]):
            if compared:
                continue
            if word.startswith("SL_"):
                said.add((word, name))
            elif word in self.bodies and word != name:
                inner_order, inner_said = self.walk(point, word)
                if word in self.stages(point):
                    order.append(word)
                else:
                    said |= inner_said
                order += inner_order
        return tuple(order), frozenset(said)

    def given(self, point, name):
        """The reasons that a function gives, and those that it calls, but for stages."""
        return {word.removeprefix("SL_DROP_") for word, _ in self.walk(point, name)[1]} & REASONS

    def verdicts(self, point, stage, reasons):
        """The letters that the row of a stage must have, and those that it may have."""
        if self.result[stage] != "sl_verdict":
            only = set("D" if self.result[stage] == "void" else "CD")
            return only, only
        order, near = self.walk(point, stage)
        must = {LETTERS[word] for word, function in near if function == stage and word in LETTERS}
        called = {word for name in (stage, *order) for word, _ in self.walk(point, name)[1]}
        may = {letter for word, letter in LETTERS.items() if word in called}
        if "SL_SENT" in called:  # the end of what was forwarded, or of an answer
            may.add("F")
        if "(" in reasons:
            must.add("P")
        if "xdp" in self.entry.name:  # TC sees to what XDP could only drop
            may.add("P")
        if re.search(r"\w", re.sub(r"\(.*?\)", "", reasons)):
            must.add("D")
        elif "(" in reasons:
            may.discard("D")
        return must, may

    def check_row(self, point, stage, file, verdicts, reasons):
        if self.home.get(stage) != file:
            self.say(f"{stage} is in {self.home.get(stage, 'no file that is included')}, not in {file}")
            return
        must, may = self.verdicts(point, stage, reasons)
        for letter in sorted(must - set(verdicts)):
            self.say(f"{stage} says {letter}, which its row does not")
        for letter in sorted(set(verdicts) - may):
            self.say(f"{stage} never says {letter}, which its row does")
        given = self.given(point, stage)
        for item in re.findall(r"[\w*]+", reasons):
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
        for word, function in sorted(outside):
            undecided = word == "SL_CONTINUE" and function not in BETWEEN
            if undecided or word.removeprefix("SL_DROP_") in REASONS:
                self.say(f"{function}() says {word}, and is in no stage of {point}()")
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


REASONS = set(re.findall(r"\bX\((\w+), \"", (ABI / "sluice/abi/reason.h").read_text()))


def main():
    programs = [Program(entry) for entry in sorted(BPF.glob("*.bpf.c"))]
    errors = [error for program in programs for error in program.check()]
    print("\n".join(errors) or f"stages: {sum(len(it.rows) for it in programs)} rows: ok")
    return 1 if errors else 0


sys.exit(main())
