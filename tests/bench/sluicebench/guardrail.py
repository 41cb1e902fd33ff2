# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench guardrail`: what every BPF program costs against the commit before, by numbers that do
not depend on the machine or on what else runs there: how much the verifier goes through, the size of the
translated and of the native code, the largest stack frame; and the memory of the maps."""

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from .generator import Generator
from .shell import CommandFailed, repository, run
from .table import print_aligned

SCHEMA = "sluice.guardrail/1"
MEASURES = {"verified": "verified", "instructions": "instructions", "native_bytes": "native bytes",
            "stack": "stack"}
SOURCES = ("bpf", "include", "cmake")  # what the programs are made of


def arguments(words):
    parser = argparse.ArgumentParser(prog="bench guardrail", description=__doc__)
    parser.add_argument("--against", metavar="REV",
                        help="default: the commit before; that is HEAD while the work tree's programs differ from it")
    parser.add_argument("--json", action="store_true", help="a document on stdout in place of the table")
    parser.add_argument("--build", type=Path, metavar="FOLDER",
                        help="use this build as it is; default: the preset `dev`, built first")
    return parser.parse_args(words)


def git(*words):
    return run("git", "-C", repository(), *words).strip()


def commit_before(wanted):
    """Its id, or None if the clone does not go back so far."""
    changed = subprocess.run(["git", "-C", repository(), "diff", "--quiet", "HEAD", "--", *SOURCES]).returncode
    try:
        return git("rev-parse", "--short", "--verify", f"{wanted or ('HEAD' if changed else 'HEAD~1')}^{{commit}}")
    except CommandFailed:
        if wanted:
            raise
        return None


def objects_of(commit, folder):
    """The BPF objects of a commit, built from its own sources by its own rules."""
    archive = subprocess.run(["git", "-C", repository(), "archive", commit], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tree:
        tree.extractall(folder)
    build = Path(folder) / "build"
    run("cmake", "-S", folder, "-B", build, "-G", "Ninja", "-DSLUICE_TESTS=OFF")
    targets = [line.split(":")[0] for line in run("ninja", "-C", build, "-t", "targets", "all").splitlines()
               if line.startswith("bpf/") and ".bpf.o:" in line]
    run("ninja", "-C", build, *targets)
    return [build / target for target in targets]


def measured(gen, objects):
    """{"programs": {name: {measure: number}}, "memory": {name: bytes}}"""
    seen = gen.load(objects)
    maps = seen["maps"].values()
    return {"programs": seen["programs"],
            "memory": {"a million IPv4 sessions": round(sum(one["bytes_per_session"] for one in maps) * 1_000_000),
                       "all else": sum(one["bytes"] for one in maps)}}


def pairs(before, now):
    """(subject, measure, number before, number now); None where there is none."""
    for program in dict.fromkeys([*before["programs"], *now["programs"]]):
        for measure in MEASURES:
            yield (program, MEASURES[measure], before["programs"].get(program, {}).get(measure),
                   now["programs"].get(program, {}).get(measure))
    for what in now["memory"]:
        yield "memory of maps", f"bytes, {what}", before["memory"].get(what), now["memory"][what]


def difference(before, now):
    if before is None or now is None:
        return "" if before is now else "gone" if now is None else "new"
    if before == now:
        return "="
    return f"{now - before:+,} ({(now - before) / before:+.1%})" if before else f"{now - before:+,}"


def show(rows, commit):
    written = [["program", "measure", f"at {commit}" if commit else "before", "now", "difference"]]
    last = None
    for subject, measure, before, now in rows:
        written.append(["" if subject == last else subject, measure,
                        *("-" if number is None else f"{number:,}" for number in (before, now)),
                        difference(before, now) if commit else ""])
        last = subject
    print_aligned(written, right=(2, 3))


def main(words, built):
    given = arguments(words)
    build = given.build or built()
    gen = Generator(build / "tests/bench/sluice-gen")
    now = measured(gen, sorted((build / "bpf").glob("*.bpf.o")))
    commit, before = commit_before(given.against), {"programs": {}, "memory": {}}
    if commit:
        with tempfile.TemporaryDirectory(prefix="guardrail-") as folder:
            before = measured(gen, objects_of(commit, folder))
    else:
        print("guardrail: there is no commit before this one here to compare with", file=sys.stderr)
    if given.json:
        print(json.dumps({"schema": SCHEMA, "against": commit, "before": before, "now": now}, indent=2))
    else:
        show(pairs(before, now), commit)
