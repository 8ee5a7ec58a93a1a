"""Attacks `kennel serve` over HTTP, and checks that it refuses, answers the next client, and writes nothing.

    python tools/hostile_clients.py --kennel target/release/kennel --run RUN --photo PHOTO [--requests 100000]

A row for each attack: what came back, the server's peak memory until then, and whether a photo was labelled right
after. Then --clients at once, ten times as many as the queue takes: each is labelled right or told to come back (429).
At the end --requests photos in a row, with the resident memory at every tenth. Needs only Python. Exit code 1 when
something is not so.
"""

import argparse
import collections
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

BIG = 1 << 30
# A name of a photo is never opened, and what comes after a picture's pixels is never read.
BOMB = "bomb: 64 x 64 pixels, 2 GB of data"
ANSWERED = {"PNG of 200 megapixels", BOMB, "form with paths that climb"}


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey picture that says it is so large."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """So many zeros, compressed."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(count >> 20)) + packer.flush()


class Server:
    def __init__(self, kennel: Path, run: Path, folder: Path):
        command = [kennel, "serve", "--port", "0", "--run", run, "--runs", run.parent]
        self.process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        address = next(line for line in self.process.stderr if line.startswith("serves")).split()[1]
        self.host, self.port = address.removeprefix("http://").rstrip("/").split(":")

    def memory(self, name: str) -> int:
        """A line of /proc, in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1]) // 1024

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, int(self.port)), timeout=60)

    def send(self, method: str, path: str, body=b"", **headers) -> str:
        """What comes back: a status, or that the connection was closed."""
        client = http.client.HTTPConnection(self.host, int(self.port), timeout=60)
        try:
            client.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return str(client.getresponse().status)
        except (ConnectionError, http.client.HTTPException) as closed:
            return f"closed ({type(closed).__name__})"
        finally:
            client.close()

    def label(self, photo: bytes):
        client = http.client.HTTPConnection(self.host, int(self.port), timeout=60)
        for _ in range(100):
            client.request("POST", "/v1/predict", photo, {"Content-Type": "image/jpeg"})
            answer = client.getresponse()
            body = answer.read()
            if answer.status != 429:
                return json.loads(body)["predictions"][0]["label"]
            time.sleep(0.1)
        return "429 for ever"


def form(count: int, part: bytes) -> bytes:
    one = b'--x\r\nContent-Disposition: form-data; name="p"; filename="../../../tmp/evil.jpg"\r\n\r\n' + part + b"\r\n"
    return one * count + b"--x--\r\n"


def endless(server: Server) -> str:
    """A body of a gigabyte that states no length."""
    with server.connect() as client:
        client.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        block, sent = b"100000\r\n" + bytes(1 << 20) + b"\r\n", 0
        try:
            while sent < BIG:
                client.sendall(block)
                sent += 1 << 20
        except ConnectionError:
            pass
        try:
            answer = client.recv(100).split(b"\r\n")[0].decode()
        except ConnectionError:
            answer = ""
        return f"{answer or 'closed'} after {sent >> 20} MiB"


def slow(server: Server) -> str:
    """Five hundred clients that send a byte a second."""
    clients = [server.connect() for _ in range(500)]
    for client in clients:
        client.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nX: ")
    begun = time.time()
    while clients and time.time() < begun + 40:
        time.sleep(1)
        for client in list(clients):
            try:
                client.sendall(b"x")
            except OSError:
                clients.remove(client)
    return f"{500 - len(clients)} of 500 cut off within {time.time() - begun:.0f} s"


def hang_up(server: Server, photo: bytes) -> str:
    """A thousand clients that send half a photo and go."""
    def one():
        with server.connect() as client:
            head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(photo)}\r\n\r\n"
            client.sendall(head.encode() + photo[: len(photo) // 2])
    threads = [threading.Thread(target=one) for _ in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "1000 gone"


def overload(server: Server, photo: bytes, expected: str, clients: int, seconds: float) -> dict:
    """Counts the answers while many clients ask at once and ask again at once: labelled, refused, anything else."""
    counts = collections.Counter()
    end = time.time() + seconds

    def ask():
        client = http.client.HTTPConnection(server.host, int(server.port), timeout=60)
        while time.time() < end:
            try:
                client.request("POST", "/v1/predict", photo, {"Content-Type": "image/jpeg"})
                answer = client.getresponse()
                body = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError) as error:
                counts[type(error).__name__] += 1
                client.close()
                continue
            if answer.status == 200 and body["predictions"][0]["label"] != expected:
                counts["wrong"] += 1
            elif answer.status == 429 and not answer.headers["Retry-After"]:
                counts["429 without Retry-After"] += 1
            else:
                counts[str(answer.status)] += 1
            time.sleep(0 if answer.status == 200 else 0.5)
        client.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return dict(counts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=640)
    args = parser.parse_args()
    photo = args.photo.read_bytes()
    image = {"Content_Type": "image/png"}
    multipart = {"Content_Type": "multipart/form-data; boundary=x"}
    predict = lambda body, **headers: lambda server: server.send("POST", "/v1/predict", body, **headers)
    attacks = {
        "PNG of 200 megapixels": predict(png(20_000, 10_000, zeros(200_010_000 + (1 << 20))), **image),
        "PNG of 201 megapixels": predict(png(20_100, 10_000, b""), **image),
        "PNG of 4 billion x 4 billion pixels": predict(png(2**31 - 1, 2**31 - 1, b""), **image),
        BOMB: predict(png(64, 64, zeros(2 << 30)), **image),
        "body of 1 GB, stated": predict(b"", Content_Length=str(BIG), **image),
        "body of 1 GB, not stated": endless,
        "form of 10,000 photos": predict(form(10_000, b"x"), **multipart),
        "form with paths that climb": predict(form(2, photo), **multipart),
        "form without an end": predict(form(1, photo)[:-9], **multipart),
        "wrong content type": predict(photo, Content_Type="application/json"),
        "text as a photo": predict(b"<script>alert(1)</script>", **image),
        "foreign Host": predict(photo, Host="evil.example"),
        "foreign Origin": predict(photo, Origin="http://evil.example"),
        "path that climbs": lambda server: server.send("GET", "/page/../../../../etc/passwd"),
        "path that climbs, encoded": lambda server: server.send("GET", "/api/runs/..%2f..%2fetc/onnx"),
        "picture of a path": lambda server: server.send("GET", "/api/photos/..%2f..%2fetc%2fpasswd/picture"),
        "command of a foreign page": lambda server: server.send(
            "POST", "/api/jobs", b'{"kind":"report","lang":"en"}', Content_Type="text/plain", Origin="http://evil.example"
        ),
        "headers of 1 MB": lambda server: server.send("GET", "/healthz", X="x" * (1 << 20)),
        "slow loris": slow,
        "clients that hang up": lambda server: hang_up(server, photo),
    }
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args.kennel.resolve(), args.run.resolve(), Path(folder))
        expected = server.label(photo)
        for name, attack in attacks.items():
            begun = time.time()
            came = attack(server)
            after = server.label(photo) if server.process.poll() is None else "dead"
            row = {"attack": name, "came": came, "seconds": round(time.time() - begun, 1), "peak_mib": server.memory("VmHWM")}
            print(json.dumps(row | {"then": after}), flush=True)
            if after != expected or (came.isdigit() and came.startswith("5")) or (came == "200") != (name in ANSWERED):
                wrong.append(name)
        counts = overload(server, photo, expected, args.clients, 20)
        print(json.dumps({"clients": args.clients, "seconds": 20, "answers": counts}), flush=True)
        if counts.keys() != {"200", "429"}:
            wrong.append(f"overloaded: {counts}")
        begun = time.time()
        client = http.client.HTTPConnection(server.host, int(server.port))
        resident = []
        for number in range(args.requests + 1):
            if number % max(1, args.requests // 10) == 0:
                resident.append(server.memory("VmRSS"))
            client.request("POST", "/v1/predict", photo, {"Content-Type": "image/jpeg"})
            if json.loads(client.getresponse().read())["predictions"][0]["label"] != expected:
                wrong.append(f"request {number}")
                break
        rate = args.requests / (time.time() - begun)
        print(json.dumps({"requests": args.requests, "rss_mib": resident, "requests_per_s": round(rate, 1)}))
        server.process.send_signal(signal.SIGINT)
        status = server.process.wait(10)
        left = sorted(os.listdir(folder))
        print(json.dumps({"status": status, "written": left}))
        if status or left:
            wrong.append(f"status {status}, written {left}")
    print("\n".join(wrong) or f"{len(attacks)} attacks: each refused or answered, the server alive, nothing written")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
