"""Runs every `kennel` command that stands in the README, in its order, those of each section in a folder of their own.

    python tools/readme_commands.py README.md --kennel target/release/kennel --folder /tmp/readme

A command is a line of an `sh` block that begins with `kennel`, or stands in backquotes in the text and names a file. What would take hours
is made shorter, and what it needs is given by `--give photos=DIR`: `--instead A=B` puts another word in place of one, `--add 'run=--epochs 1'` adds flags to a command.
"""

import argparse
import re
import shlex
import subprocess
from pathlib import Path


def commands(text: str) -> list[list[str]]:
    """Words of every command, without what is said of it after `#`."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(kennel predict [^`]*\.onnx)`", text)
    return [words for line in lines if (words := shlex.split(line, comments=True))[:1] == ["kennel"]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("readme", type=Path)
    parser.add_argument("--kennel", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--give", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--instead", action="append", default=[], metavar="WORD=WORD")
    parser.add_argument("--add", action="append", default=[], metavar="COMMAND=FLAGS")
    args = parser.parse_args()

    instead = dict(pair.split("=", 1) for pair in args.instead)
    added = dict(pair.split("=", 1) for pair in args.add)
    count = 0
    for section in args.readme.read_text().split("\n## ")[1:]:
        title, text = section.split("\n", 1)
        found = commands(text)
        if not found:
            continue
        folder = args.folder / title
        folder.mkdir(parents=True)
        for name, path in (pair.split("=", 1) for pair in args.give):
            (folder / name).symlink_to(Path(path).resolve())
        for _, command, *rest in found:
            rest = [instead.get(word, word) for word in rest] + shlex.split(added.get(command, ""))
            print(f"$ kennel {command} {shlex.join(rest)}", flush=True)
            subprocess.run([args.kennel.resolve(), command, *rest], cwd=folder, check=True)
            count += 1
    print(f"{count} commands")
    assert count >= 8, "the README has fewer commands than it should"


if __name__ == "__main__":
    main()
