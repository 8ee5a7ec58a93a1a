"""Opens a report in headless Chromium, as a reader would.

    python tools/check_browser.py results/report.html [--chromium /usr/bin/chromium] [--axe axe.min.js] [--shots DIR]

At the width of a phone and of a desktop, light and dark: no console message, no error, no request to anywhere, every
picture drawn, described and whole, nothing wider than the screen, the keyboard's first stop is the way past the menu,
and the first screen of a desktop says how good the model is and what to do next. Every link on the page leads
somewhere, a number of the confusion matrix shows its photos, a photo opens large and closes with Escape, and a link to a
folded run opens it. Without scripts the page has the same text. With --axe (npm's axe-core) no serious violation of its rules.
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
    silent: [...document.images].filter(image => !image.alt).length
        + [...document.querySelectorAll('svg[role=img]')].filter(image => !image.querySelector('title')?.textContent).length,
    pictures: document.images.length + document.querySelectorAll('svg[role=img]').length,
    width: document.documentElement.scrollWidth,
    cut: [...document.querySelectorAll('.pictures .picture')].filter(picture => {
        const [inner, outer] = [picture.getBoundingClientRect(), picture.parentElement.getBoundingClientRect()];
        return inner.left < outer.left - 1 || inner.right > outer.right + 1;
    }).length,
    runs: JSON.parse(document.getElementById('report').textContent).comparison.runs.length,
    articles: document.querySelectorAll('article').length,
    nowhere: [...document.querySelectorAll('a[href^="#"], use')].map(link => link.getAttribute('href'))
        .filter(to => !document.getElementById(to.slice(1))),
    big: document.querySelector('.big')?.getBoundingClientRect().bottom,
    next: document.querySelector('.next li')?.getBoundingClientRect().bottom,
})"""
# A photo that is opened, a cell that is chosen, a run that a link leads to.
HEIGHTS = """() => {
    const photo = document.querySelector('details.photo:has(svg.picture)');
    const picture = photo?.querySelector('.picture');
    const before = picture?.getBoundingClientRect().height;
    photo?.querySelector('summary').click();
    return picture && [before, picture.getBoundingClientRect().height];
}"""
CELL = """() => {
    const link = document.querySelector('.confusion td a, .confusions a');
    if (!link) return null;
    location.hash = link.getAttribute('href');
    return document.querySelector('.cell:target')?.checkVisibility() ?? false;
}"""
RUN = """() => {
    location.hash = '#run-0';
    return new Promise(done => setTimeout(() => done(document.getElementById('run-0').checkVisibility()), 200));
}"""
SERIOUS = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .map(found => `${found.id}: ${found.nodes.length} times, first ${found.nodes[0].target}`)"""


def read(page_file: Path, browser: Browser, scripts: bool) -> str:
    """The text of the page."""
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(page_file.resolve().as_uri(), wait_until="load")
    text = page.locator("main").text_content()
    context.close()
    return text


def look(browser: Browser, page_file: Path, device: str, scheme: str, axe: Path | None, shots: Path | None) -> list:
    """What is wrong with the page on such a screen."""
    wrong = []
    # The page's policy forbids the script that looks at it.
    page = browser.new_page(viewport={"width": WIDTHS[device], "height": 844}, color_scheme=scheme, bypass_csp=axe is not None)
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
    if found["cut"]:
        wrong.append(f"{found['cut']} pictures are wider than their tiles")
    if not found["runs"] or found["articles"] != found["runs"]:
        wrong.append(f"{found['articles']} pages of {found['runs']} runs")
    if found["nowhere"]:
        wrong.append(f"links lead nowhere: {found['nowhere'][:5]}")
    if not found["big"] or found["big"] > 844 or (device == "desktop" and found["next"] > 844):
        wrong.append(f"the first screen ends before the accuracy ({found['big']}) or the next step ({found['next']})")
    if len(found["headings"]) < 4:
        wrong.append(f"headings are {found['headings']}")
    page.keyboard.press("Tab")
    # By its class: a page may be Russian.
    if not page.evaluate("document.activeElement.matches('.skip')"):
        first = page.evaluate("document.activeElement.textContent")
        wrong.append(f"the first stop of the keyboard is {first!r}")
    if shots:
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=shots / f"{device}-{scheme}.png", full_page=True)
        if (device, scheme) == ("desktop", "light"):
            page.pdf(path=shots / "print.pdf", format="A4")
    heights = page.evaluate(HEIGHTS)
    if heights and heights[1] < 1.5 * heights[0]:
        wrong.append(f"an opened photo is {heights[1]} px high, before {heights[0]}")
    page.keyboard.press("Escape")
    if page.locator("details.photo[open]").count():
        wrong.append("Escape leaves a photo open")
    if page.evaluate(CELL) is False:
        wrong.append("a cell of the confusion matrix shows nothing")
    if not page.evaluate(RUN):
        wrong.append("a link to a run leaves it folded")
    if axe:
        page.evaluate("document.querySelectorAll('details:not(.photo)').forEach(details => { details.open = true; })")
        page.evaluate(axe.read_text())
        wrong += page.evaluate(SERIOUS)
    page.close()
    return [f"{device}, {scheme}: {line}" for line in wrong]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--axe", type=Path)
    parser.add_argument("--shots", type=Path)
    args = parser.parse_args()
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    wrong = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=args.chromium, args=QUIET)
        for device in WIDTHS:
            for scheme in ("light", "dark"):
                wrong += look(browser, args.report, device, scheme, args.axe, args.shots)
        if read(args.report, browser, True) != read(args.report, browser, False):
            wrong.append("without scripts the page has another text")
        version = browser.version
        browser.close()
    print("\n".join(wrong) or f"Chromium {version}: nothing to complain of at {', '.join(WIDTHS)}, light and dark")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
