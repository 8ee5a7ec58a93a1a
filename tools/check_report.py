"""Recomputes a report from the predictions of its runs with scikit-learn, SciPy and statsmodels.

    python tools/check_report.py --runs runs --out results

Every metric of each run's `evaluation.json` and of the JSON in `report.html` (scores, intervals, calibration, pairs,
seeds, power), within 1e-9, the temperature within 1e-6; the classification reports, letter for letter; and every number
that the page shows, against that JSON, rounded. Exit code 1 when one differs.
"""

import argparse
import json
import math
import sys
import tomllib
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from check_sklearn import TOLERANCE, differences, expected
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, classification_report
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

BINS = 15
TEMPERATURES = (0.25, 4.0)
TEMPERATURE_TOLERANCE = 1e-6


class Page(HTMLParser):
    """The JSON that a report carries, and every number that it shows: (pointer, format, text)."""

    def __init__(self, text: str):
        super().__init__()
        self.json, self.numbers, self.lang, self._open = "", [], "en", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "html":
            self.lang = attributes["lang"]
        elif tag == "script" and attributes.get("id") == "report":
            self._open = "json"
        elif tag == "data":
            self.numbers.append([attributes["data-at"], attributes["data-format"], ""])
            self._open = "number"

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, text):
        if self._open == "json":
            self.json += text
        elif self._open == "number":
            self.numbers[-1][2] += text


class Split:
    """A run's predictions of a split."""

    def __init__(self, run: Path, split: str, class_names: list):
        lines = (run / "predictions" / f"{split}.jsonl").read_text().splitlines()
        self.records = [json.loads(line) for line in lines]
        self.class_names = class_names
        # Shortest text of an f32: read as f64 it would be another number.
        self.logits = np.array([record["logits"] for record in self.records], np.float32).astype(np.float64)
        self.truth = np.array([class_names.index(record["label"]) for record in self.records])
        self.right = self.logits.argmax(1) == self.truth

    def probabilities(self, temperature: float) -> np.ndarray:
        shifted = np.exp((self.logits - self.logits.max(1, keepdims=True)) / temperature)
        return shifted / shifted.sum(1, keepdims=True)

    def calibration(self, temperature: float) -> dict:
        probabilities = self.probabilities(temperature)
        top = probabilities.max(1)
        edges = np.linspace(0.0, 1.0, BINS + 1)
        of_bin = np.clip(np.digitize(top, edges, right=True), 1, BINS) - 1
        bins, error = [], 0.0
        for index in range(BINS):
            inside = of_bin == index
            n = int(inside.sum())
            confidence = float(top[inside].mean()) if n else 0.0
            accuracy = float(self.right[inside].mean()) if n else 0.0
            error += n / len(top) * abs(confidence - accuracy)
            bins.append({"low": index / BINS, "high": (index + 1) / BINS, "n": n, "confidence": confidence, "accuracy": accuracy})
        brier = brier_score_loss(self.truth, probabilities, labels=range(len(self.class_names)), scale_by_half=False)
        return {"expected_calibration_error": error, "brier_score": float(brier), "bins": bins}

    def temperature(self) -> float | None:
        """The one of least log loss within the bounds; none where every photo is right or the best is at a bound."""
        if self.right.all():
            return None

        def slope(inverse: float) -> float:
            expected_logit = (self.probabilities(1.0 / inverse) * self.logits).sum(1)
            return float((expected_logit - self.logits[np.arange(len(self.truth)), self.truth]).sum())

        low, high = 1.0 / TEMPERATURES[1], 1.0 / TEMPERATURES[0]
        if slope(low) >= 0.0 or slope(high) <= 0.0:
            return None
        return 1.0 / brentq(slope, low, high, xtol=1e-14, rtol=1e-14)


class Ledger:
    """What was compared, and what differs."""

    def __init__(self):
        self.compared = self.wrong = 0

    def add(self, place: str, found, wanted, same: bool):
        self.compared += 1
        if not same:
            self.wrong += 1
            print(f"{place}: {found!r}, expected {wanted!r}")

    def all(self, found, wanted, place: str):
        for entry in differences(found, wanted, place):
            self.add(*entry)

    def equal(self, found, wanted, place: str):
        self.add(place, found, wanted, found == wanted)


def check_run(ledger: Ledger, summary: dict, run: Path, out: Path) -> dict:
    name = summary["name"]
    config = tomllib.loads((run / "config.toml").read_text())
    class_names = config["facts"]["class_names"]
    evaluation = json.loads((run / "evaluation.json").read_text())
    splits = {
        split: Split(run, split, class_names)
        for split in ("val", "test")
        if (run / "predictions" / f"{split}.jsonl").exists()
    }
    temperature = splits["val"].temperature() if "val" in splits else None
    for split, predictions in splits.items():
        wanted = expected(predictions.records, class_names)
        ledger.all(evaluation[split], wanted, f"{name}/evaluation.json {split}")
        ledger.all(summary[split], wanted, f"{name} {split}")
        ledger.all(summary[split]["calibration"], predictions.calibration(1.0), f"{name} {split} calibration")
        calibrated = summary[split]["calibrated"]
        if temperature is None:
            ledger.equal(calibrated, None, f"{name} {split} calibrated")
        else:
            # At the report's own temperature: what differs is then not the search's last digits.
            wanted = predictions.calibration(summary["temperature"]["value"])
            ledger.all(calibrated, wanted, f"{name} {split} calibrated")
    if "val" in splits:
        found = summary["temperature"]
        same = abs(found["value"] - (temperature or 1.0)) <= TEMPERATURE_TOLERANCE
        ledger.add(f"{name} temperature", found["value"], temperature or 1.0, same)
        ledger.equal(found["not_fitted"] is None, temperature is not None, f"{name} temperature was fitted")
    if "test" in splits:
        test = splits["test"]
        text = (out / "plots" / f"{name}_classification_report.txt").read_text()
        labels = range(len(class_names))
        wanted = classification_report(
            test.truth, test.logits.argmax(1), labels=labels, target_names=class_names, zero_division=0
        )
        ledger.equal(text, wanted, f"{name}_classification_report.txt")
    results = out / "metrics" / f"{name}_results.json"
    if summary["strategy"] != "zero_shot":
        results = json.loads(results.read_text())
        ledger.equal(results["kennel"], summary, f"{name}_results.json kennel")
        ledger.all(results["test_acc"], 100.0 * float(splits["test"].right.mean()), f"{name}_results.json test_acc")
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        ledger.all(results["history"]["val_loss"], [line["val_loss"] for line in lines], f"{name}_results.json val_loss")
        first, second = (lambda line: line["val_accuracy"]), (lambda line: -line["val_loss"])
        if config.get("choose_by") == "loss":
            first, second = second, first
        best = max(lines, key=lambda line: (first(line), second(line), -line["epoch"]))
        ledger.equal(summary["best_epoch"], best["epoch"], f"{name} best_epoch")
        ledger.all(results["best_val_acc"], 100.0 * best["val_accuracy"], f"{name}_results.json best_val_acc")
    return splits


def check_pairs(ledger: Ledger, comparison: dict, right: dict):
    pairs = comparison["pairs"]
    for pair in pairs:
        first, second = right[pair["first"]], right[pair["second"]]
        place = f"{pair['first']} and {pair['second']}"
        only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
        ledger.equal([pair["only_first"], pair["only_second"]], [only_first, only_second], place)
        both, neither = int((first & second).sum()), int((~first & ~second).sum())
        test = mcnemar([[both, only_first], [only_second, neither]], exact=True)
        ledger.all(pair["p"], float(test.pvalue), f"{place} p")
    n = len(right)
    ledger.equal(len(pairs), n * (n - 1) // 2, "number of pairs")
    if pairs:
        corrected = multipletests([pair["p"] for pair in pairs], method="holm")[1]
        ledger.all([pair["p_holm"] for pair in pairs], [float(p) for p in corrected], "Holm")


def check_power(ledger: Ledger, power: dict | None, right: dict):
    if power is None:
        return
    first, second = right[power["first"]], right[power["second"]]
    n = len(first)
    differing = float((first ^ second).sum()) / n
    difference = abs(int(first.sum()) - int(second.sum())) / n
    wanted = None
    if difference:
        spread = norm.ppf(0.975) * math.sqrt(differing) + norm.ppf(0.8) * math.sqrt(differing - difference**2)
        wanted = math.ceil((spread / difference) ** 2)
    ledger.equal(power["need"], wanted, "power")


def thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = math.floor(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def scientific(number: float) -> str:
    sign, digits, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    point = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{point}e{exponent + len(mantissa) - 1}"


def per_cent(share: float) -> str:
    """One decimal; what is short of all or of none gets the decimals that tell."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f}"
    for decimals in range(1, 16):
        text = f"{100 * share:.{decimals}f}"
        if float(text) not in (0.0, 100.0):
            return text
    raise ValueError(share)


def p_value(p: float) -> str:
    if p >= 0.9995:
        return "1"
    return "< 0.001" if p < 0.001 else f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def rounded(value, how: str) -> str:
    """As English writes it."""
    if how.startswith("fixed"):
        return f"{value:.{int(how[5:])}f}"
    if how in ("proportion", "share", "interval"):
        share, low, high = (per_cent(value[key]) for key in ("value", "low", "high"))
        if how == "share":
            return f"{share} %"
        if how == "interval":
            return f"{low}-{high}"
        return f"{value['correct']}/{value['n']} = {share} % (95 % CI {low}-{high})"
    ways = {
        "percent": lambda: f"{100 * value:.1f} %",
        "points": lambda: f"{100 * value:.1f}",
        "count": lambda: thousands(value),
        "scientific": lambda: scientific(value),
        "duration": lambda: duration(value),
        "gigabytes": lambda: f"{value / 1e9:.2f} GB",
        "p": lambda: p_value(value),
    }
    return ways[how]()


RUSSIAN = {"CI": "ДИ", "GB": "ГБ", "s": "с", "min": "мин", "h": "ч"}


def in_language(text: str, how: str, lang: str) -> str:
    """Russian has a decimal comma and units of its own; a number in scientific notation keeps its point."""
    if lang == "en" or how == "scientific":
        return text
    return " ".join(RUSSIAN.get(word, word) for word in text.replace(".", ",").split(" "))


def check_text(ledger: Ledger, page: Page, report: dict):
    for pointer, how, text in page.numbers:
        value = report
        for key in pointer.split("/")[1:]:
            value = value[int(key)] if isinstance(value, list) else value[key]
        wanted = in_language(rounded(value, how), how, page.lang)
        ledger.equal(text, wanted, f"report.html {pointer}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("results"))
    args = parser.parse_args()
    page = Page((args.out / "report.html").read_text())
    report = json.loads(page.json)
    comparison = report["comparison"]
    ledger = Ledger()
    right = {}
    for summary in comparison["runs"]:
        splits = check_run(ledger, summary, args.runs / summary["name"], args.out)
        if "test" in splits:
            right[summary["name"]] = splits["test"].right
    check_pairs(ledger, comparison, right)
    check_power(ledger, comparison["power"], right)
    for group in comparison["seeds"]:
        shares = [float(right[seed["run"]].mean()) for seed in group["seeds"]]
        ledger.all([group["mean"], group["sd"]], [float(np.mean(shares)), float(np.std(shares, ddof=1))], group["label"])
    figures = ledger.compared
    check_text(ledger, page, report)
    shown = ledger.compared - figures
    print(f"{len(comparison['runs'])} runs: {figures} figures compared within {TOLERANCE}, {shown} numbers of the page; {ledger.wrong} differ")
    return 1 if ledger.wrong or not right or not shown else 0


if __name__ == "__main__":
    sys.exit(main())
