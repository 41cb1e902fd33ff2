#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every source says in one of its first three lines under which licence it is. Prints one line for
each that does not, and exits with 1 if there is any."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINE = "SPDX-License-Identifier: GPL-2.0-or-later"
# What is no source: documents, data, and what has no comments. Nor are settings, which begin with
# a dot.
OTHERS = {".md", ".json", ".svg", ".txt", ".yaml", ".csv", ".xml", ".png"}


def is_source(path: Path) -> bool:
    if path.name == "CMakeLists.txt":
        return True
    return path.suffix not in OTHERS and path.name != "LICENSE" and not path.name.startswith(".")


names = subprocess.run(["git", "-C", ROOT, "ls-files", "-zco", "--exclude-standard"], check=True,
                       capture_output=True, text=True).stdout.split("\0")
sources = [Path(name) for name in names if is_source(Path(name)) and (ROOT / name).is_file()]
broken = [f"{path}: its first lines do not say `{LINE}`" for path in sources
          if LINE not in "\n".join((ROOT / path).read_text(errors="replace").splitlines()[:3])]
print(*broken, sep="\n", end="\n" if broken else "")
sys.exit(bool(broken) or not sources)
