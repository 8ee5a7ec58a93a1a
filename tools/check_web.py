"""Opens a folder of `kennel export --web` in headless Chromium, as a visitor would, and compares its labels with `kennel predict`.

    python tools/check_web.py DIR --photos FOLDER --kennel target/release/kennel --run RUN
        [--chromium /usr/bin/chromium] [--axe axe.min.js] [--shots DIR]

Serves DIR as any static host would, without headers of its own. Every photo below FOLDER goes in; the page's CSV must have
the labels of `kennel predict --run RUN`. Then, at the width of a phone and of a desktop, light and dark: no console
message, no error, no request elsewhere, nothing wider than the screen, and the keyboard chooses a photo. Photos also come
by dropping, pasting and the camera. A file that is no photo is named as such; names of classes are never markup; a browser in
Russian speaks Russian; a folder that lacks its network says so. With --axe (npm's axe-core) no serious violation of its
rules. With --shots, pictures of the page to look at. Exit code 1 when something is not so.
"""

import argparse
import base64
import contextlib
import csv
import functools
import http.server
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = {"phone": 390, "desktop": 1280}
# Without the first ones Chromium asks its maker for updates; the last ones give it a camera that shows a drawing.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
UNKNOWN = "none of these"
# A photo that is dropped or pasted comes in a DataTransfer, as the user's would.
GIVE = """async ([kind, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], `${kind}.jpg`, { type: 'image/jpeg' }));
    const options = { bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer };
    document.body.dispatchEvent(kind === 'drop' ? new DragEvent(kind, options) : new ClipboardEvent(kind, options));
}"""
SERIOUS = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .map(found => `${found.id}: ${found.nodes.length} times, first ${found.nodes[0].target}`)"""


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: Chromium's own messages are what counts."""


@contextlib.contextmanager
def served(folder: Path):
    """Serves a folder on a port of its own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


class Visit:
    """A page that is open, and what is wrong with it."""

    def __init__(self, browser: Browser, address: str, **options) -> None:
        self.wrong: list[str] = []
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.address = address
        self.page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.context.on("request", self.asked)
        # Playwright begins to intercept the choice of files with the first listener, and does not wait until it does.
        self.page.on("filechooser", lambda _: None)

    def asked(self, request) -> None:
        if not request.url.startswith((self.address, "blob:", "data:")):
            self.wrong.append(f"request to {request.url}")

    def open(self) -> "Visit":
        self.page.goto(self.address, wait_until="load")
        self.page.locator("html[data-ready]").wait_for(state="attached", timeout=60_000)
        return self

    def give(self, photos: list[Path]) -> None:
        self.page.locator("#files").set_input_files(photos)
        self.wait(len(photos))

    def wait(self, photos: int) -> None:
        """Waits until so many photos have their answer. The page's policy forbids Playwright's own way to wait for more than one."""
        answered = self.page.locator("#photos > li:not(.waiting)")
        end = time.monotonic() + 20 + 2 * photos
        while answered.count() < photos:
            if time.monotonic() > end:
                raise SystemExit(f"after a long time {answered.count()} of {photos} photos are labelled; {self.wrong}")
            time.sleep(0.05)

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def close(self, name: str) -> list[str]:
        self.context.close()
        return [f"{name}: {line}" for line in self.wrong]


def predicted(kennel: Path, run: str, photos: Path) -> dict[str, tuple[str, float]]:
    """Path to label and probability, as `kennel predict` says."""
    said = subprocess.run([kennel, "predict", photos, "--run", run, "--format", "json"], check=True, capture_output=True, text=True).stdout
    return {row["path"]: (UNKNOWN if row.get("unknown") else row["label"], row["probability"]) for row in json.loads(said)}


def labels(browser: Browser, address: str, expected: dict[str, tuple[str, float]]) -> list[str]:
    """Labels every photo on the page and compares."""
    visit = Visit(browser, address, accept_downloads=True).open()
    photos = [Path(path) for path in expected]
    begun = time.monotonic()
    visit.give(photos)
    seconds = time.monotonic() - begun
    with visit.page.expect_download() as download:
        visit.page.locator("#save").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    visit.expect([row["photo"] for row in rows] == [path.name for path in photos], "the CSV has other photos")
    same, largest = 0, 0.0
    for row, (path, (label, probability)) in zip(rows, expected.items()):
        if row["label"] != label:
            visit.wrong.append(f"{path} is {row['label']}, `kennel predict` says {label}")
            continue
        same += 1
        if row["probability"]:
            largest = max(largest, abs(float(row["probability"]) - probability))
    visit.expect(largest < 0.01, f"a probability differs by {largest:.4f}")
    print(f"same label on {same}/{len(expected)}; largest difference of a probability {largest:.5f}; "
          f"{1000 * seconds / len(expected):.0f} ms a photo; page says: {visit.text('#status')}")
    return visit.close("labels")


def look(browser: Browser, address: str, device: str, scheme: str, photos: list[Path], axe: Path | None, shots: Path | None) -> list[str]:
    """What is wrong with the page on such a screen."""
    is_phone = device == "phone"
    options = {"viewport": {"width": WIDTHS[device], "height": 844}, "color_scheme": scheme, "has_touch": is_phone, "is_mobile": is_phone}
    # The page's policy forbids the script that looks at it.
    visit = Visit(browser, address, bypass_csp=axe is not None, **options).open()
    page = visit.page
    if shots:
        page.screenshot(path=shots / f"{device}-{scheme}-empty.png")
    page.keyboard.press("Tab")
    visit.expect(page.evaluate("document.activeElement.id") == "choose", "the first stop of the keyboard is not the choice of photos")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photos)
    visit.wait(len(photos))
    visit.expect(page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[device], "the page is wider than the screen")
    broken = page.evaluate("[...document.images].filter(image => !image.complete || !image.naturalWidth || !image.alt).length")
    visit.expect(broken == 0 and page.locator("#photos img").count() == len(photos), f"{broken} pictures are broken or not described")
    if is_phone:
        with page.expect_file_chooser() as chooser:
            page.locator("#shoot").tap()
        visit.expect(chooser.value.element.get_attribute("capture") == "environment", "a phone's camera is not asked for")
    if axe:
        page.evaluate(axe.read_text())
        visit.wrong += page.evaluate(SERIOUS)
    if shots:
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=shots / f"{device}-{scheme}.png", full_page=True)
    return visit.close(f"{device}, {scheme}")


def ways_in(browser: Browser, address: str, photo: Path, label: str, shots: Path | None) -> list[str]:
    """Drops, pastes and takes a photo, and gives a file that is none."""
    import base64

    visit = Visit(browser, address, permissions=["camera"]).open()
    page = visit.page
    for count, kind in enumerate(("drop", "paste"), 1):
        page.evaluate(GIVE, [kind, base64.b64encode(photo.read_bytes()).decode()])
        visit.wait(count)
        said = visit.text("#photos > li h2")
        visit.expect(said.startswith(label), f"{kind}: {said}, not {label}")
    page.locator("#shoot").click()
    page.wait_for_timeout(1000)
    if shots:
        page.screenshot(path=shots / "camera.png")
    page.locator("#snap").click()
    visit.wait(3)
    visit.expect(page.locator("#photos img").count() == 3, "the camera gave no photo")
    page.locator("#files").set_input_files([{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not a photo"}])
    visit.wait(4)
    visit.expect("cannot read" in visit.text("#photos > li"), "a file that is no photo is not named")
    return visit.close("ways in")


def language(browser: Browser, address: str, photo: Path, shots: Path | None) -> list[str]:
    visit = Visit(browser, address, locale="ru-RU").open()
    visit.give([photo])
    said = visit.text("h1") + visit.text("#choose") + visit.text("#status")
    visit.expect(visit.page.locator("html").get_attribute("lang") == "ru", "the page does not say that it is in Russian")
    visit.expect(not any(letter.isascii() and letter.isalpha() for letter in said), f"not all in Russian: {said}")
    if shots:
        visit.page.screenshot(path=shots / "russian.png", full_page=True)
    return visit.close("Russian")


def names(browser: Browser, folder: Path, address: str, photo: Path) -> list[str]:
    """Classes whose names are markup, unknown photos, and a folder without its network."""
    model = json.loads((folder / "model.json").read_text())
    model["class_names"] = [f"<img src=x onerror=alert({index})>" for index in range(len(model["class_names"]))]
    visit = Visit(browser, address)
    visit.page.route("**/model.json", lambda route: route.fulfill(json=model))
    visit.open().give([photo])
    visit.expect("<img src=x" in visit.text("#photos h2"), "the name of a class is not shown as it is")
    visit.expect(visit.page.locator("img[src=x]").count() == 0, "the name of a class is markup")
    wrong = visit.close("names")

    visit = Visit(browser, address)
    visit.page.route("**/model.onnx*", lambda route: route.abort())
    visit.page.goto(address)
    visit.page.locator("#status.wrong").wait_for(timeout=20_000)
    visit.expect("could not be loaded" in visit.text("#status"), f"without a network the page says {visit.text('#status')}")
    visit.wrong = [line for line in visit.wrong if "ERR_FAILED" not in line]
    return wrong + visit.close("without its network")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--kennel", type=Path, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--axe", type=Path)
    parser.add_argument("--shots", type=Path)
    args = parser.parse_args()
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    expected = predicted(args.kennel, args.run, args.photos)
    first = next(path for path, (label, _) in expected.items() if label != UNKNOWN)
    few = [Path(path) for path in list(expected)[:: max(1, len(expected) // 8)]]
    wrong = []
    with sync_playwright() as playwright, served(args.folder) as address:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=QUIET + CAMERA)
        wrong += labels(browser, address, expected)
        for device in WIDTHS:
            for scheme in ("light", "dark"):
                wrong += look(browser, address, device, scheme, few, args.axe, args.shots)
        wrong += ways_in(browser, address, Path(first), expected[first][0], args.shots)
        wrong += language(browser, address, Path(first), args.shots)
        wrong += names(browser, args.folder, address, Path(first))
        version = browser.version
        browser.close()
    print("\n".join(wrong) or f"Chromium {version}: nothing to complain of")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
