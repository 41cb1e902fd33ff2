#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prose in tracked *.md is at most 100 columns wide, and every relative link leads somewhere, as does
every path of this tree in backticks.

Tables, code blocks and headings may be wider, and so may a line that is one word: a link, a
command in backticks. Prints one line for each break, and exits with 1 if there is any.
"""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = 100
GENERATED = ("commands", "drops", "events", "maps")  # of docs/reference/: by scripts/reference
FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+(?:\([^()]*\))?)>?(?:\s+\"[^\"]*\")?\)")
DEFINITION = re.compile(r"^[ ]{0,3}\[[^\]]+\]:[ ]+(\S+)", re.MULTILINE)
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")
# A path in backticks: `bpf/route/route.h:12`, `loader/qos/`, `bpf/switch/{tc,xdp}.h`; X and ROOM
# stand for a name.
FOLDERS = "bpf|cli|cmake|docs|examples|include|loader|scripts|tests"
PATH = re.compile(rf"`((?:{FOLDERS})/[^`\s]*?)(?::\d+(?:-\d+)?)?`")
PLACEHOLDER = re.compile(r"\b(?:X|ROOM|NAME|FILE)\b|\*")
MARKER = re.compile(r"^\s*(?:[-*+>]|\d+[.)])?\s*")


def slug(heading: str) -> str:
    """The anchor that GitHub and GitLab give a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def lines_of(text: str):
    """Each line with its number and whether it is outside code blocks, fenced or indented."""
    fenced = False
    behind = True  # a blank line or indented code: what is indented next is code
    for number, line in enumerate(text.splitlines(), 1):
        indented = behind and line.startswith("    ")
        behind = not line.strip() or indented
        if FENCE.match(line):
            fenced = not fenced
            yield number, line, False
        else:
            yield number, line, not fenced and not indented


def anchors_of(text: str) -> set:
    found, seen = set(), {}
    for _, line, prose in lines_of(text):
        if not prose:
            continue
        found.update(ANCHOR.findall(line))
        heading = HEADING.match(line)
        if heading:
            name = slug(heading[1])
            times = seen.get(name, 0)
            seen[name] = times + 1
            found.add(f"{name}-{times}" if times else name)
    return found


def too_wide(line: str) -> bool:
    if len(line) <= COLUMNS or line.lstrip().startswith("|") or HEADING.match(line):
        return False
    words = CODE.sub("x", LINK.sub("x", MARKER.sub("", line, count=1)))
    return " " in words.strip()


def paths_of(text: str):
    """(position, path) of each path in backticks; one in braces is several."""
    for found in PATH.finditer(text):
        if PLACEHOLDER.search(found[1]):
            continue
        before, _, rest = found[1].partition("{")
        several, _, behind = rest.partition("}")
        for one in several.split(","):
            yield found.start(), before + one + behind


def main() -> int:
    names = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "*.md"], check=True,
                           capture_output=True, text=True).stdout.split("\0")
    texts = {(ROOT / name).resolve(): (ROOT / name).read_text(encoding="utf-8")
             for name in names if name and (ROOT / name).exists()}
    anchors = {path: anchors_of(text) for path, text in texts.items()}
    breaks = []
    for path, text in texts.items():
        name = path.relative_to(ROOT)
        generated = name.parent.name == "reference" and name.stem in GENERATED
        prose_only = []
        for number, line, prose in lines_of(text):
            prose_only.append(line if prose else "")
            if prose and not generated and too_wide(line):
                breaks.append(f"{name}:{number}: {len(line)} columns, of {COLUMNS}")
        # As one text: a link may begin on one line and end on the next. What looks like a link in
        # a code span is none.
        whole = CODE.sub(lambda span: "x" * len(span[0]) if "](" in span[0] else span[0],
                         "\n".join(prose_only))
        for at, named in paths_of(whole):
            if not (ROOT / named).exists():
                breaks.append(f"{name}:{whole.count(chr(10), 0, at) + 1}: there is no {named}")
        for link in [*LINK.finditer(whole), *DEFINITION.finditer(whole)]:
            target = link[1]
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            where = f"{name}:{whole.count(chr(10), 0, link.end(1)) + 1}"
            file, _, anchor = unquote(target).partition("#")
            to = (path.parent / file).resolve() if file else path
            if not to.exists():
                breaks.append(f"{where}: {target}: there is no such file")
            elif anchor and to in anchors and anchor not in anchors[to]:
                breaks.append(f"{where}: {target}: there is no such heading")
    print("\n".join(breaks), end="\n" if breaks else "")
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main())
