"""Opens a report in headless Chromium, as a reader would.

    python tools/check_browser.py results/report.html [--chromium /usr/bin/chromium] [--shots DIR]

At the width of a phone and of a desktop, light and dark: no console message, no error, no request to anywhere, every
picture drawn and described, nothing wider than the screen, and the keyboard's first stop is the way past the menu.
With --shots, pictures of the page to look at, and the page as printed. Exit code 1 when something is not so.
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

WIDTHS = {"phone": 390, "desktop": 1280}
# Without these Chromium asks its maker for updates, which a closed network refuses.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
LOOK = """() => ({
    headings: [...document.querySelectorAll('h1, h2')].map(heading => heading.textContent),
    broken: [...document.images].filter(image => !image.complete || image.naturalWidth === 0).length,
    silent: [...document.images].filter(image => !image.alt).length,
    pictures: document.images.length,
    width: document.documentElement.scrollWidth,
    runs: JSON.parse(document.getElementById('report').textContent).comparison.runs.length,
    articles: document.querySelectorAll('article').length,
    rows: [...document.querySelectorAll('#comparison .scroll:first-of-type tbody tr')].map(row => Math.round(row.getBoundingClientRect().height)),
})"""


def look(browser: Browser, page_file: Path, device: str, scheme: str, shots: Path | None) -> list:
    """What is wrong with the page on such a screen."""
    wrong = []
    page = browser.new_page(viewport={"width": WIDTHS[device], "height": 844}, color_scheme=scheme)
    address = page_file.resolve().as_uri()
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))

    def on_request(request):
        if request.url != address and not request.url.startswith("data:"):
            wrong.append(f"request to {request.url}")

    page.on("request", on_request)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(300)
    found = page.evaluate(LOOK)
    if found["broken"] or found["silent"] or not found["pictures"]:
        wrong.append(f"of {found['pictures']} pictures {found['broken']} are broken and {found['silent']} have no description")
    if found["width"] > WIDTHS[device]:
        wrong.append(f"the page is {found['width']} px wide")
    if not found["runs"] or found["articles"] != found["runs"]:
        wrong.append(f"{found['articles']} pages of {found['runs']} runs")
    if max(found["rows"]) > min(found["rows"]) + 1:
        wrong.append(f"rows of the table of all runs are {found['rows']} px high")
    if len(found["headings"]) < 4:
        wrong.append(f"headings are {found['headings']}")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    if not first.startswith("Skip"):
        wrong.append(f"the first stop of the keyboard is {first!r}")
    if shots:
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=shots / f"{device}-{scheme}.png", full_page=True)
        if (device, scheme) == ("desktop", "light"):
            page.pdf(path=shots / "print.pdf", format="A4")
    page.close()
    return [f"{device}, {scheme}: {line}" for line in wrong]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--shots", type=Path)
    args = parser.parse_args()
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    wrong = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=QUIET)
        for device in WIDTHS:
            for scheme in ("light", "dark"):
                wrong += look(browser, args.report, device, scheme, args.shots)
        version = browser.version
        browser.close()
    print("\n".join(wrong) or f"Chromium {version}: nothing to complain of at {', '.join(WIDTHS)}, light and dark")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
