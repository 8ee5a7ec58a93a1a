"""Drives the page of `kennel serve` in headless Chromium, as a person would.

    python tools/check_serve.py --kennel target/release/kennel --photos DIR --weights DIR [--axe axe.min.js] [--shots DIR]

In a new folder, with nothing trained: chooses the folder of photos and prepares it; corrects a label, sets a photo
aside, takes that back; adds photos to a class and to a new one, takes the latter back, and prepares again; trains two
epochs and watches the curves; tries the model on photos of the test part and compares every label with
`kennel predict`; looks at a heat map; exports, downloads the file, and labels the same photos with it; writes and opens
the report. All by the page. At the width of a phone and of a desktop, light and dark, English and Russian: no console
message, no request elsewhere, nothing wider than the screen. With --axe (npm's axe-core) no serious violation of its
rules. Exit code 1 when something is not so.
"""

import argparse
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from check_browser import QUIET, SERIOUS, WIDTHS
from PIL import Image
from playwright.sync_api import Page, sync_playwright

MODEL = "mobilenetv2_100"
WAIT_MS = 300_000


class Visit:
    """A page that is watched: what is wrong with it gathers in `wrong`."""

    def __init__(self, browser, address: str, device: str, scheme: str, axe: Path | None, shots: Path | None):
        self.device, self.scheme, self.axe, self.shots = device, scheme, axe, shots
        self.wrong = []
        # The page's policy forbids the script that looks at it.
        self.context = browser.new_context(
            viewport={"width": WIDTHS[device], "height": 844}, color_scheme=scheme, bypass_csp=axe is not None, locale="en-US"
        )
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))

        def on_request(request):
            if not request.url.startswith((address, "data:", "blob:")):
                self.wrong.append(f"request to {request.url}")

        self.page.on("request", on_request)
        self.page.goto(address, wait_until="load")

    def open(self, tab: str):
        """Opens a tab, and waits until it has what it asks for."""
        self.page.click(f'nav a[href="#{tab}"]')
        self.page.wait_for_selector(f"#tab-{tab}", state="visible")
        self.page.wait_for_load_state("networkidle")

    def look(self, name: str):
        """Looks at the page as it is now."""
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > WIDTHS[self.device]:
            self.wrong.append(f"{name} is {width} px wide")
        if self.axe:
            self.page.evaluate(self.axe.read_text())
            self.wrong += [f"{name}: {found}" for found in self.page.evaluate(SERIOUS)]
        if self.shots:
            self.page.screenshot(path=self.shots / f"{name}-{self.device}-{self.scheme}.png", full_page=True)

    def job(self, kind: str):
        """Waits until a command has ended well."""
        self.page.wait_for_function(
            "(kind) => /: (done|failed)/.test(document.getElementById('job-status').textContent)"
            " && document.getElementById('job-command').textContent.startsWith(`kennel ${kind}`)",
            arg=kind,
            timeout=WAIT_MS,
        )
        status = self.page.text_content("#job-status")
        if "done" not in status:
            raise SystemExit(f"{status}\n{self.page.text_content('#job-command')}\n{self.page.text_content('#job-lines')}")


def labels(kennel: Path, arguments: list, cwd: Path) -> dict:
    """What `kennel predict` says of photos: name to label."""
    command = [kennel, "predict", "--format", "json", "--quiet", *arguments]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=cwd).stdout)
    return {Path(row["path"]).name: (row["label"], round(row["probability"], 3)) for row in rows}


def said_by_page(visit: Visit, photos: list) -> dict:
    """What the page says of photos, by its table: name to label."""
    visit.page.set_input_files("#files", photos)
    visit.page.wait_for_function(
        "(count) => document.querySelectorAll('.answer[aria-busy=false]').length === count", arg=len(photos), timeout=WAIT_MS
    )
    with visit.page.expect_download() as download:
        visit.page.click("#table")
    rows = csv.DictReader(io.StringIO(Path(download.value.path()).read_text()))
    return {row["path"]: (row["label"], round(float(row["probability"]), 3)) for row in rows}


def correct(visit: Visit):
    """Corrects a label, sets a photo aside, and takes that back."""
    visit.open("photos")
    tiles = visit.page.locator("#photos-grid button")
    before = tiles.count()
    tiles.nth(0).click()
    visit.page.wait_for_selector("#photo[open]")
    visit.look("photo")
    visit.page.select_option("#photo-label", index=1)
    wanted = visit.page.input_value("#photo-label")
    visit.page.click("#photo-save")
    visit.page.wait_for_function("document.querySelector('#photos-grid .mark')?.textContent.startsWith('→')")
    tiles.nth(1).click()
    visit.page.click("#photo-aside")
    visit.page.wait_for_function("document.querySelectorAll('#photos-grid .mark').length === 2")
    visit.page.click("#undo")
    visit.page.wait_for_function("document.querySelectorAll('#photos-grid .mark').length === 1")
    visit.look("photos")
    return before, wanted


def add(visit: Visit, photos: Path, folder: Path) -> tuple:
    """Adds two photos to the first class, one to a new class, and takes that one back. The class, and what is wrong.

    The first is a photo of the training part, turned, which is another picture. The second is a photo of the test part,
    written anew: it must not be trained on.
    """
    wrong = []
    label = sorted(path.name for path in (photos / "test").iterdir())[0]
    turned, again = folder / "turned.jpg", folder / "again.jpg"
    last = {part: sorted((photos / part / label).glob("*.jpg"))[-1] for part in ("train", "test")}
    Image.open(last["train"]).convert("RGB").rotate(90, expand=True).save(turned, quality=95)
    Image.open(last["test"]).convert("RGB").save(again, quality=80)
    added = "[...document.querySelectorAll('#added-list li')].map((item) => item.textContent.split(' (')[0])"
    visit.page.set_input_files(f'#counts input[data-class="{label}"]', [turned, again])
    visit.page.wait_for_function("() => document.getElementById('adding-status').textContent.startsWith('Added to')")
    if (found := visit.page.evaluate(added)) != [f"{label}: 2"]:
        wrong.append(f"two photos were added to {label}, and the page lists {found}")
    visit.page.set_input_files(f'#counts input[data-class="{label}"]', [turned, last["test"]])
    visit.page.wait_for_selector("#adding-refused p >> nth=1")
    visit.page.fill("#new-class", "../cat")
    visit.page.set_input_files("#new-class-files", [turned])
    visit.page.wait_for_function("() => document.getElementById('adding-refused').textContent.includes('is no class')")
    # The browser tells of the answer that it was asked to see.
    visit.wrong = [line for line in visit.wrong if "status of 400" not in line]
    visit.page.fill("#new-class", "new class")
    Image.open(turned).rotate(180).save(folder / "other.jpg", quality=95)
    visit.page.set_input_files("#new-class-files", [folder / "other.jpg"])
    visit.page.wait_for_function("() => document.querySelectorAll('#added-list li').length === 2")
    visit.look("added")
    visit.page.click("#added-undo")
    visit.page.wait_for_function("() => document.querySelectorAll('#added-list li').length === 1")
    kept = sorted(path.name for path in (folder / ".kennel/page/added" / label).iterdir())
    if kept != ["again.jpg", "turned.jpg"]:
        wrong.append(f"of the added photos {kept} are kept")
    return label, wrong


def see_map(visit: Visit, manifest: dict) -> list:
    """Opens the map of the photos, and a photo on it. What is wrong."""
    visit.open("photos")
    visit.page.click("#map summary")
    drawn = visit.page.locator("#map-drawn circle[cx][fill] title")
    drawn.first.wait_for(state="attached", timeout=WAIT_MS)
    visit.page.wait_for_load_state("networkidle")
    titles = sorted(drawn.all_text_contents())
    visit.look("map")
    visit.page.locator("#map-drawn g image").first.click()
    opened = visit.page.text_content("#photo-name")
    visit.page.click("#photo-close")
    photos = {photo["source"]: f"{photo['source']}: {photo['label']}" for photo in manifest["photos"]}
    wrong = [] if opened in photos else [f"a photo of the map opens as {opened!r}"]
    if titles != sorted(photos.values()):
        wrong.append(f"the map has {len(titles)} photos of {len(photos)}")
    return wrong


def work(visit: Visit, args, folder: Path) -> list:
    """Everything from photos to an exported file. What is wrong."""
    wrong = []
    photos = sorted((args.photos / "test").rglob("*.jpg"))
    visit.look("nothing-yet")
    visit.open("train")
    visit.page.fill("#folder", str(args.photos))
    visit.page.click("#prepare-form button[type=submit]")
    visit.job("prepare")
    _, wanted = correct(visit)
    label, found = add(visit, args.photos, folder)
    wrong += found
    visit.open("train")
    visit.page.fill("#folder", str(args.photos))
    visit.page.click("#prepare-form button[type=submit]")
    visit.job("prepare --out=data/processed --labels")
    manifest = json.loads((folder / "data/processed/manifest.json").read_text())
    corrected = list(csv.DictReader((folder / ".kennel/page/fixes.csv").open()))
    photo = next(photo for photo in manifest["photos"] if photo["source"] == corrected[0]["path"])
    if len(corrected) != 1 or photo["label"] != wanted:
        wrong.append(f"the correction {corrected} became {photo}")
    added = {photo["source"]: (photo["label"], photo["split"]) for photo in manifest["photos"] if photo["source"][0] == "+"}
    if added != {f"+added/{label}/again.jpg": (label, "test"), f"+added/{label}/turned.jpg": (label, "train")}:
        wrong.append(f"the added photos became {added}")
    if "--add=.kennel/page/added" not in (command := visit.page.text_content("#job-command")):
        wrong.append(f"the command does not name the added photos: {command}")
    visit.open("photos")
    if "Not prepared yet: 0." not in (said := visit.page.text_content("#added-count")):
        wrong.append(f"after preparing, the page says {said}")
    visit.open("train")

    visit.page.select_option("#network", MODEL)
    visit.page.click("#train-form summary")
    visit.page.select_option("#strategy", "freeze")
    visit.page.fill("#epochs", "2")
    visit.page.fill("#weights", str(args.weights))
    visit.page.click("#train-form button[type=submit]")
    visit.page.wait_for_selector("#curves svg", timeout=WAIT_MS)
    visit.job("train")
    if visit.page.locator("#curves svg").count() != 2 or visit.page.locator("#curves circle").count() != 6:
        wrong.append("after two epochs the curves are not those of two epochs")
    visit.look("trained")

    visit.page.click("#runs tbody button >> nth=0")
    visit.page.wait_for_selector("#tab-try", state="visible")
    visit.page.wait_for_load_state("networkidle")
    page = said_by_page(visit, photos)
    run = next((folder / "runs").iterdir())
    if page != (command := labels(args.kennel, [args.photos / "test", "--run", run], folder)):
        differ = [name for name in command if page.get(name) != command[name]]
        wrong.append(f"page and `predict --run` differ on {len(differ)} of {len(photos)} photos: {differ[:3]}")
    visit.page.locator(".answer button").first.click()
    visit.page.wait_for_function("document.querySelector('.answer img').alt.startsWith('Where')", timeout=WAIT_MS)
    first = visit.page.locator(".answer").first
    first.get_by_role("button", name="Photos like it").click()
    first.locator(".alike img").nth(5).wait_for(timeout=WAIT_MS)
    visit.page.wait_for_load_state("networkidle")
    alike = first.locator(".alike img").evaluate_all("all => all.map(one => one.naturalWidth > 0 && one.alt)")
    photo = next(photo for photo in photos if photo.name == first.locator(".name").text_content())
    command = [args.kennel, "similar", photo, "--run", run, "--top", "6", "--format", "json"]
    found = json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout)
    if alike != [row["similar"].removeprefix("data/processed/") for row in found]:
        wrong.append(f"the page finds {alike}, `similar` {found}")
    visit.look("tried")
    wrong += see_map(visit, manifest)

    visit.open("train")
    visit.page.get_by_role("button", name="Export").click()
    visit.job("export")
    visit.page.wait_for_selector("#runs a[download]")
    with visit.page.expect_download() as download:
        visit.page.click("#runs a[download]")
    file = folder / "downloaded.onnx"
    download.value.save_as(file)
    said = labels(args.kennel, [args.photos / "test", "--onnx", file], folder)
    if differ := [name for name in said if said[name][0] != page[name][0]]:
        wrong.append(f"page and downloaded file differ on {len(differ)} of {len(photos)} photos: {differ[:3]}")
    visit.page.click("#make-report")
    visit.job("report")
    visit.look("results")
    with visit.context.expect_page() as opened:
        visit.page.click("#open-report")
    opened.value.wait_for_load_state()
    if "test photos" not in opened.value.text_content("main"):
        wrong.append("the report says nothing of test photos")
    opened.value.close()
    print(f"{len(photos)} photos: page, `predict --run` and the downloaded file compared")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True, help="a folder with train/, val/ and test/")
    parser.add_argument("--weights", type=Path, required=True, help=f"pretrained weights of {MODEL}")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--axe", type=Path)
    parser.add_argument("--shots", type=Path)
    args = parser.parse_args()
    args.kennel, args.photos, args.weights = args.kennel.resolve(), args.photos.resolve(), args.weights.resolve()
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    wrong = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        folder = Path(folder)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KENNEL_")}
        server = subprocess.Popen([args.kennel, "serve", "--port", "0"], cwd=folder, stderr=subprocess.PIPE, text=True, env=clean)
        address = next(line for line in server.stderr if line.startswith("serves")).split()[1]
        browser = playwright.chromium.launch(executable_path=args.chromium, args=QUIET)
        first = Visit(browser, address, "desktop", "light", args.axe, args.shots)
        wrong += work(first, args, folder)
        wrong += [f"desktop, light: {line}" for line in first.wrong]
        photo = sorted((args.photos / "test").rglob("*.jpg"))[0]
        for device, scheme in (("phone", "light"), ("phone", "dark"), ("desktop", "dark")):
            visit = Visit(browser, address, device, scheme, args.axe, args.shots)
            said_by_page(visit, [photo])
            visit.look("tried")
            visit.page.click("#language")
            for tab in ("train", "photos", "try"):
                visit.open(tab)
                visit.look(f"{tab}-ru")
            wrong += [f"{device}, {scheme}: {line}" for line in visit.wrong]
        version = browser.version
        browser.close()
        server.send_signal(signal.SIGINT)
        if server.wait(10) != 0:
            wrong.append(f"the server ended with status {server.returncode}")
    print("\n".join(wrong) or f"Chromium {version}: nothing to complain of")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
