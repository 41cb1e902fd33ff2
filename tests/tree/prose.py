#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prose in *.md is at most 100 columns wide, and every relative link leads somewhere, as does every
path of this tree in backticks.

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
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?(?P<to>[^()\s>]+(?:\([^()]*\))?)>?(?:\s+\"[^\"]*\")?\)")
DEFINITION = re.compile(r"^[ ]{0,3}\[(?P<name>[^\]]+)\]:[ ]+<?(?P<to>[^\s>]+)", re.MULTILINE)
REFERENCE = re.compile(r"\[([^\[\]]+)\]\[([^\[\]]*)\]")  # to a definition: [words][name], [name][]
ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")
CODE = re.compile(r"(`+)(?:(?!\1|\n\n).)+?\1", re.DOTALL)
# A path among words in backticks: `bpf/route/route.h:12`, `scripts/test --quick`,
# `bpf/switch/{tc,xdp}.h`; X and ROOM stand for any name.
FOLDERS = "bpf|cli|cmake|docs|examples|include|loader|scripts|share|tests"
PATH = re.compile(rf"(?<![\w./$-])(?:\./)?((?:{FOLDERS})/[^`\s:#]*)")
PLACEHOLDER = re.compile(r"(?<![a-z])(?:X|ROOM|NAME|FILE)(?![a-z])")
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
    for span in CODE.finditer(text):
        for found in PATH.finditer(span[0]):
            before, _, rest = found[1].partition("{")
            several, _, behind = rest.partition("}")
            for one in several.split(","):
                yield span.start() + found.start(), before + one + behind


def path_breaks(text: str):
    """(position, what is wrong) for each path in backticks."""
    for at, path in paths_of(text):
        if not any(ROOT.glob(PLACEHOLDER.sub("*", path))):
            yield at, f"there is no {path}"


def link_breaks(path: Path, text: str, anchors: dict):
    """(position, what is wrong) for each link."""
    # What looks like a link in a code span is none.
    text = CODE.sub(lambda span: re.sub(r"\S", "x", span[0]), text)
    for link in [*LINK.finditer(text), *DEFINITION.finditer(text)]:
        target = link["to"]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        to = (path.parent / file).resolve() if file else path
        if not to.exists():
            yield link.end("to"), f"{target}: there is no such file"
        elif anchor and to in anchors and anchor not in anchors[to]:
            yield link.end("to"), f"{target}: there is no such heading"
    defined = {it["name"].lower() for it in DEFINITION.finditer(text)}
    for reference in REFERENCE.finditer(text):
        name = reference[2] or reference[1]
        if name.lower() not in defined:
            yield reference.start(), f"[{name}]: is not defined"


def main() -> int:
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-zco", "--exclude-standard", "*.md"],
                           check=True, capture_output=True, text=True).stdout.split("\0")
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
        # As one text: a link may begin on one line and end on the next.
        whole = "\n".join(prose_only)
        for at, what in [*path_breaks(whole), *link_breaks(path, whole, anchors)]:
            breaks.append(f"{name}:{whole.count(chr(10), 0, at) + 1}: {what}")
    print("\n".join(breaks), end="\n" if breaks else "")
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main())
