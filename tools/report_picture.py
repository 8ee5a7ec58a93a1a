"""The README's picture of a report: the top of the page that `kennel demo` writes.

    kennel demo && python tools/report_picture.py kennel-demo/results/report.html docs/report.png

Needs playwright and Chromium, as `tools/check_browser.py` does, and Pillow.
"""

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1180, 715


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(args.report.resolve().as_uri())
        shot = page.screenshot()
        browser.close()
    # The page has few colours: a palette makes the file a third as large.
    Image.open(io.BytesIO(shot)).convert("RGB").quantize(64).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
