"""Serves what Kennel downloads, from folders on this machine: Stanford Dogs as `images.tar`, timm models as the Hugging Face hub does,
and packages as the npm registry does.

    python tools/mirror.py --photos ../photos --model timm/resnet18.a1_in1k=../resnet18 [--port 0]

Prints its address as the first line, then serves until it is stopped. Only the standard library is needed.

- `--photos DIR`: photos anywhere below DIR whose names begin with their synset (`n02088364_1001.jpg`). `/images.tar` has them as
  `Images/n02088364-beagle/n02088364_1001.jpg`, and one more as another breed's, so that it is seen that only wanted breeds are written.
- `--model NAME=DIR`: DIR has `config.json`, `model.safetensors` and so on; use it with HF_ENDPOINT set to the address.
- `--npm FILE.tgz`: a package of `npm pack`; use it with KENNEL_NPM_REGISTRY set to the address.
"""

import argparse
import functools
import hashlib
import http.server
import io
import pathlib
import re
import tarfile
import urllib.parse

BREEDS = {
    "n02088364": "beagle",
    "n02108089": "boxer",
    "n02106662": "German_shepherd",
    "n02099601": "golden_retriever",
    "n02113624": "toy_poodle",
}
UNASKED = "n02085620-Chihuahua"


def tar_of(photos: pathlib.Path) -> bytes:
    """The photos as Stanford's tar has them; the same bytes for the same photos."""
    buffer = io.BytesIO()
    files = sorted(photos.rglob("*.jpg"), key=lambda path: path.name)
    if not files:
        raise SystemExit(f"{photos} has no .jpg")
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:

        def add(name: str, content: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))

        add(f"Images/{UNASKED}/n02085620_1.jpg", files[0].read_bytes())
        for path in files:
            synset = path.name.split("_")[0]
            breed = BREEDS.get(synset, "other")
            add(f"Images/{synset}-{breed}/{path.name}", path.read_bytes())
    return buffer.getvalue()


def blob_of(content: bytes, is_large: bool) -> str:
    """How the hub names a file: SHA-256 of a large one, git's name of a small one."""
    if is_large:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@functools.cache
def read(path: pathlib.Path) -> tuple[bytes, str]:
    content = path.read_bytes()
    return content, blob_of(content, path.suffix in {".safetensors", ".bin", ".onnx"})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tar: bytes | None = None
    models: dict[str, pathlib.Path] = {}
    packages: dict[str, pathlib.Path] = {}

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def answer(self, with_body: bool) -> None:
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        if path == "/images.tar" and self.tar is not None:
            return self.send(self.tar, hashlib.sha256(self.tar).hexdigest()[:32], {}, with_body)
        if path in self.packages:
            content, blob = read(self.packages[path])
            return self.send(content, blob, {}, with_body)
        match = re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/([\w.-]+)/([\w.-]+)", path)
        folder = self.models.get(match[1]) if match else None
        file = folder / match[3] if folder else None
        if file is None or not file.is_file():
            return self.nothing(404)
        commit = hashlib.sha1(match[1].encode()).hexdigest()
        if match[2] not in ("main", commit):
            return self.nothing(404)
        content, blob = read(file)
        headers = {"X-Repo-Commit": commit}
        if len(blob) == 64:
            headers |= {"X-Linked-Etag": f'"{blob}"', "X-Linked-Size": str(len(content))}
        self.send(content, blob, headers, with_body)

    def nothing(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, content: bytes, etag: str, headers: dict[str, str], with_body: bool) -> None:
        etag = f'"{etag}"'
        begin = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range", etag) == etag:
            begin = int(asked[1])
            if begin >= len(content):
                return self.nothing(416)
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", etag)
        self.end_headers()
        if with_body:
            self.wfile.write(memoryview(content)[begin:])

    def log_message(self, *_: object) -> None:
        """The address is all that is printed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=pathlib.Path, help="photos for /images.tar")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=DIR", help="timm/NAME=DIR, repeatable")
    parser.add_argument("--npm", action="append", default=[], type=pathlib.Path, metavar="FILE.tgz", help="NAME-VERSION.tgz, repeatable")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    options = parser.parse_args()
    if options.photos:
        Handler.tar = tar_of(options.photos)
    for model in options.model:
        name, _, folder = model.partition("=")
        if not pathlib.Path(folder).is_dir():
            raise SystemExit(f"--model {model}: {folder} is no folder; NAME=DIR is wanted")
        Handler.models[name] = pathlib.Path(folder)
    for package in options.npm:
        name = re.fullmatch(r"(.+?)-\d.*\.tgz", package.name)
        if not name or not package.is_file():
            raise SystemExit(f"--npm {package}: no file NAME-VERSION.tgz")
        Handler.packages[f"/{name[1]}/-/{package.name}"] = package
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
