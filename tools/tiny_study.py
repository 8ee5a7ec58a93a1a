"""A study that takes a second, for tools that run one hundreds of times: photos, commands, and what two runs must have in common."""

import hashlib
import json
import pathlib
import re
import struct
import subprocess
import zlib

# Of an epoch: what no two runs have in common.
TIMES = {"elapsed_s", "images_per_s", "peak_rss_bytes"}
# What only a process that was ended may leave.
LEFT = re.compile(r"^(\.lock$|\.writing-|\.next-|\.exporting-|\.kennel-prepare-|\.kennel-unpacked-|\.tmp)")
NETWORK = ["--model", "test_resnet", "--weights", "none", "--batch-size", "8", "--side", "32"]


def draw_photos(folder, per_class=14, side=64):
    """Two classes of PNG files that differ in their stripes."""
    for place, name in enumerate(["across", "down"]):
        (folder / name).mkdir(parents=True)
        for index in range(per_class):
            rows = bytearray()
            for y in range(side):
                rows.append(0)
                for x in range(side):
                    stripe = (x if place else y) // (3 + index % 4) % 2
                    noise = (x * 73 + y * 179 + index * 283 + x * y) % 48
                    rows += bytes([60 + 100 * stripe + noise, (40 * stripe + 7 * index) % 256, noise])
            header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
            chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")]
            png = b"\x89PNG\r\n\x1a\n" + b"".join(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                for kind, data in chunks
            )
            (folder / name / f"{index:02}.png").write_bytes(png)


def kennel(program, arguments, folder, before=(), timeout=120):
    """Runs a command; its status, and everything that it said."""
    done = subprocess.run(
        [*before, program, *arguments], cwd=folder, capture_output=True, text=True, timeout=timeout, errors="replace"
    )
    return done.returncode, done.stdout, done.stderr


def runs_of(folder):
    """Every directory under runs/, by name."""
    runs = folder / "runs"
    return sorted(path for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else []


def run_contents(run):
    """Digests of what two runs that were told the same have in common, by name without the run's own."""
    found = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        name, data = str(path.relative_to(run)), path.read_bytes()
        if name == "SHA256SUMS" or name.startswith("tensorboard"):
            continue
        if name == "metrics.jsonl":
            epochs = [json.loads(line) for line in data.splitlines()]
            data = json.dumps([{k: v for k, v in e.items() if k not in TIMES} for e in epochs]).encode()
        elif name == "config.toml":
            data = re.sub(rb"(?m)^(started|feature_cache) = .*\n", b"", data)
        elif name.endswith("last.state.safetensors"):
            # Its header holds the epochs' times too.
            data = data[8 + struct.unpack("<Q", data[:8])[0] :]
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def tree_contents(folder):
    """Digests of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def left_behind(folder):
    """What an ended process left and nobody cleared."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if LEFT.match(path.name))


def program_of(argument):
    """The binary as a path that holds in every folder."""
    path = pathlib.Path(argument).resolve()
    if not path.is_file():
        raise SystemExit(f"there is no {path}\nhint: cargo build --release")
    return str(path)
