"""Requests a second of `kennel serve` and of a peer, in turn, by wrk.

    python tools/peers/serving.py --kennel target/release/kennel --run RUN --onnx FILE --photo PHOTO
        [--connections 1,8,64] [--seconds 10] [--rounds 3] [--python PYTHON] [--ort LIBRARY]

Each round measures, one after the other on an otherwise idle machine: `kennel serve --run`, `kennel serve --onnx` in
ONNX Runtime (with --ort, its library), and FastAPI with ONNX Runtime (serve_onnx.py) on the same file. Prints the
medians, Kennel's over the peer's, the 99th percentile, and the resident memory after. wrk is Debian's.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

POST = """
local file = io.open(os.getenv("PHOTO"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/octet-stream"
file:close()
done = function(summary, latency, requests)
  local wrong = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format("RESULT %f %f %d\\n", summary.requests / summary.duration * 1e6, latency:percentile(99) / 1000, wrong))
end
"""


def rss_mib(process: int) -> float:
    """Resident memory of a process and its children."""
    found = subprocess.run(["ps", "-o", "rss=", "--pid", str(process), "--ppid", str(process)], capture_output=True, text=True)
    return sum(int(line) for line in found.stdout.split()) / 1024


def wait_for(address: str):
    for _ in range(300):
        try:
            return urllib.request.urlopen(address)
        except urllib.error.HTTPError:
            return None
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{address} does not answer")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--ort")
    args = parser.parse_args()
    serve = [args.kennel, "serve", "--api-only", "--port", "8484", "--queue", "128"]
    sides = {
        "kennel, run": (serve + ["--run", args.run], "http://127.0.0.1:8484/v1/predict", {}),
        "fastapi, onnxruntime": (
            [args.python, Path(__file__).with_name("serve_onnx.py"), args.onnx, "--port", "8585"],
            "http://127.0.0.1:8585/",
            {},
        ),
    }
    if args.ort:
        sides["kennel, onnxruntime"] = (
            serve + ["--onnx", args.onnx, "--runtime", "onnxruntime"],
            "http://127.0.0.1:8484/v1/predict",
            {"ORT_DYLIB_PATH": args.ort},
        )
    counts = [int(count) for count in args.connections.split(",")]
    found = {(side, count): [] for side in sides for count in counts}
    memory = {side: [] for side in sides}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(POST)
        script.flush()
        for number in range(args.rounds):
            for side, (command, address, variables) in sides.items():
                server = subprocess.Popen(command, env=os.environ | variables, stderr=subprocess.DEVNULL)
                try:
                    wait_for(address)
                    load = ["wrk", "-t1", "-s", script.name, "--timeout", "30s", address]
                    environment = os.environ | {"PHOTO": str(args.photo)}
                    for count in counts:
                        for seconds in (2, args.seconds):
                            ran = subprocess.run(
                                [*load, f"-c{count}", f"-d{seconds}s"], env=environment, capture_output=True, text=True, check=True
                            )
                        rate, p99_ms, wrong = re.search(r"RESULT (\S+) (\S+) (\d+)", ran.stdout).groups()
                        found[side, count].append((float(rate), float(p99_ms), int(wrong)))
                    memory[side].append(rss_mib(server.pid))
                finally:
                    server.terminate()
                    server.wait()
            print(f"round {number + 1} done", file=sys.stderr)
    peer = "fastapi, onnxruntime"
    rows = []
    for side in sides:
        for count in counts:
            rate, p99_ms = (statistics.median(values) for values in list(zip(*found[side, count]))[:2])
            rows.append({
                "side": side,
                "connections": count,
                "requests_per_s": round(rate, 1),
                "all": [round(one[0], 1) for one in found[side, count]],
                "over_peer": round(rate / statistics.median(one[0] for one in found[peer, count]), 2),
                "p99_ms": round(p99_ms, 1),
                "errors": sum(one[2] for one in found[side, count]),
                "rss_mib": round(statistics.median(memory[side])),
            })
    for row in rows:
        print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
