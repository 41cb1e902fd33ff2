#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the sources name stands in the references, and what the commands take in the completions.

Environment: SLUICE, the binary; SLUICE_SHARE, what sluice-reference made from the same sources.
"""
import difflib
import os
import re
import subprocess
import unittest
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARE = Path(os.environ["SLUICE_SHARE"])
SLUICE = os.environ["SLUICE"]
REFERENCE = ROOT / "docs/reference"


def sources(*folders):
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".h", ".hpp", ".c", ".cpp"):
                yield file.read_text()


@cache
def names_in_list(header):
    """The words of an X-macro: X(IDENTIFIER, "word", ...)."""
    text = (ROOT / "include/sluice/abi" / header).read_text()
    return re.findall(r'X\([A-Z0-9_]+,\s*"([a-z0-9-]+)"', text)


@cache
def maps():
    text = "\n".join(sources("bpf"))
    found = re.findall(r"SL_MAP\(BPF_MAP_TYPE_\w+,\s*(sl_\w+)", text)
    return sorted(set(found + re.findall(r'(sl_\w+) SEC\("\.maps"\)', text)))


@cache
def schemas():
    text = "\n".join(sources("cli", "loader"))
    found = set(re.findall(r'"(sluice\.[a-z.]+/\d+)"', text))
    # An object that is given as a beginning: FilteredObject{"flow", "sluice.flow", ...}.
    ends = re.findall(r'"\{\}(\.[a-z.]+/\d+)"', text)
    for beginning in re.findall(r'\{"[a-z ]+", "(sluice\.[a-z.]+)"', text):
        found.update(beginning + end for end in ends)
    return sorted(found)


class Command:
    """A command as its --help tells of it."""

    def __init__(self, line):
        self.line = line
        self.help = subprocess.run(
            [SLUICE, *line.split()[1:], "--help"], check=True, capture_output=True, text=True
        ).stdout
        options, _, self.more = self.help.partition("\nExamples:\n")
        self.options = re.findall(r"^ +(?:-h,)?(--[a-z0-9-]+)", options, re.M)
        self.keys = sorted(set(re.findall(r"^  ([a-z][a-z0-9-]*[=>])\S+ +\S", self.more, re.M)))
        below = options.partition("\nSubcommands:\n")[2]
        self.below = re.findall(r"^  ([a-z]+) ", below, re.M)


@cache
def commands():
    found, lines = [], ["sluice"]
    while lines:
        command = Command(lines.pop())
        found.append(command)
        lines += [f"{command.line} {name}" for name in command.below]
    return found


class References(unittest.TestCase):
    def test_as_generated(self):
        for made in sorted((SHARE / "reference").iterdir()):
            committed = REFERENCE / made.name
            before = committed.read_text().splitlines() if committed.exists() else []
            change = list(difflib.unified_diff(before, made.read_text().splitlines(), n=0))
            self.assertFalse(
                change,
                f"docs/reference/{made.name} is not what the sources say; scripts/reference makes "
                "it anew:\n" + "\n".join(change[:20]),
            )

    def holds(self, page, pattern, names):
        self.assertTrue(names)
        text = (REFERENCE / page).read_text()
        missing = [it for it in names if not re.search(pattern % re.escape(it), text, re.M)]
        self.assertFalse(missing, f"docs/reference/{page} says nothing of {missing}")

    def test_drop_reasons(self):
        self.holds("drops.md", r"^\| `%s` \| \S", names_in_list("reason.h"))

    def test_event_kinds(self):
        self.holds("events.md", r"^\| `%s` \| \S", names_in_list("event.h"))

    def test_maps(self):
        # Facts, and then what the comment says that begins with `Map NAME`.
        self.holds("maps.md", r"^## %s\n\n.+\n\n[A-Z0-9]", maps())

    def test_json_schemas(self):
        self.holds("json.md", r"`%s`", schemas())

    def test_commands(self):
        text = (REFERENCE / "commands.md").read_text()
        for command in commands():
            section = f"\n## {command.line}\n\n```text\n{command.help}```\n"
            self.assertTrue(section in text, f"commands.md lacks the help of {command.line}")
            if not command.below:
                self.assertTrue(command.more.startswith("  "),
                                f"{command.line} --help has no examples")


class ManPages(unittest.TestCase):
    def test_options(self):
        for command in commands():
            page = SHARE / "man" / ("-".join(command.line.split()[:2]) + ".8")
            if not page.exists():
                page = SHARE / "man/sluice.8"
            text = page.read_text().replace("\\-", "-")
            for option in command.options:
                if option != "--help" or command.line == "sluice":
                    self.assertTrue(f"\n\\fB{option}\\fR" in text,
                                    f"{page.name} says nothing of {command.line} {option}")

    def test_rendering(self):
        for page in sorted((SHARE / "man").iterdir()):
            done = subprocess.run(
                ["man", "--warnings=w", "-E", "UTF-8", "-l", page],
                env={**os.environ, "MANWIDTH": "80", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True,
            )
            self.assertEqual(done.stderr, "", page.name)


def joined(entries):
    tables = {}
    for place, words in entries:
        tables[place] = tables.get(place, "") + "\n" + words
    return {place: set(re.split(r"\s+", words)) for place, words in tables.items()}


class Completion(unittest.TestCase):
    """Each shell's file as a table of what is offered where."""

    @staticmethod
    def bash():
        text = (SHARE / "completion/sluice.bash").read_text().replace("\\>", ">")
        return joined(re.findall(r"^    \['([^']+)'\]='([^']*)'$", text, re.M))

    @staticmethod
    def zsh():
        text = (SHARE / "completion/_sluice").read_text()
        entries = re.findall(r"^    '([^']+)' '((?:[^']|'\\'')*)'$", text, re.M)
        return joined(
            (place, "\n".join(re.split(r"(?<!\\):", line)[0] for line in words.split("\n")))
            for place, words in entries
        )

    @staticmethod
    def fish():
        entries = []
        text = (SHARE / "completion/sluice.fish").read_text().replace("\\\\>", ">")
        for line in re.findall(r"^complete -c sluice .+$", text, re.M):
            place = re.search(r"__sluice_at \"([^\"]+)\"", line)
            command = place[1] if place else "sluice"
            option = re.search(r" -l (\S+)", line)
            words = re.search(r" -a '([^']*)'", line)
            if option:
                entries.append((command, f"--{option[1]}"))
                command += f" --{option[1]}"
            if words:
                entries.append((command, words[1]))
        return joined(entries)

    def test_options_keys_and_words(self):
        for shell in (self.bash, self.zsh, self.fish):
            tables = shell()
            for command in commands():
                offered = tables.get(command.line, set())
                wanted = {*command.below, *command.options} - {"--help"}
                if "--match" in command.options and shell is not self.fish:
                    offered = offered | tables[command.line + " --match"]
                if "--match" not in command.options or shell is not self.fish:
                    wanted |= set(command.keys)
                missing = sorted(wanted - offered)
                self.assertFalse(missing, f"{shell.__name__}: {command.line} lacks {missing}")
            for place, words in (
                ("sluice events --kind", names_in_list("event.h")),
                ("sluice drops", names_in_list("reason.h")),
                ("sluice detect set", names_in_list("detect.h")),
                ("sluice port add --role", ["access", "trunk", "uplink", "internal"]),
                ("sluice nat forward add --proto", ["tcp", "udp"]),
            ):
                missing = sorted(set(words) - tables[place])
                self.assertFalse(missing, f"{shell.__name__}: {place} lacks {missing}")


if __name__ == "__main__":
    unittest.main()
