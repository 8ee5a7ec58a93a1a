"""Holds a demonstration to what is said of it: pretrained features beat random ones by 20 points or more, intervals apart.

    kennel demo && python tools/check_demo.py kennel-demo/demo.json
"""

import json
import sys

for path in sys.argv[1:]:
    with open(path) as file:
        found = json.load(file)
    assert len(found["only_the_classifier_trained"]) == 2, found
    for entry in found["only_the_classifier_trained"]:
        pretrained, random = entry["pretrained"], entry["random"]
        gap = 100 * (pretrained["value"] - random["value"])
        print(
            f"{path}: seed {found['seed']}, {entry['model']}: {pretrained['correct']} against {random['correct']} of "
            f"{random['n']}, {gap:.1f} points; {100 * random['high']:.1f} below {100 * pretrained['low']:.1f}"
        )
        assert gap >= 20 and random["high"] < pretrained["low"], "the gap is too small"
