"""A worker that speaks the protocol without a model: findings by a list of words, and misbehaviour on demand.

It is told by ``plan.json`` in its folder of weights how to misbehave, and writes what it was asked to ``asked.jsonl``.
"""

import argparse
import base64
import hashlib
import json
import os
import struct
import sys
import time
from pathlib import Path

FINDINGS = {"effusion": 9, "edema": 4, "cardiomegaly": 1, "pneumothorax": 8}
"""Word and the place of its condition among CheXbert's fourteen."""
PLACES = ("lung", "left", "right", "heart")


def entities(text):
    """Findings, absent after "no"; a place is where the last finding before it is."""
    found, last = {}, None
    words = text.lower().replace(".", " ").split()
    for number, word in enumerate(words):
        if word in FINDINGS:
            certainty = "absent" if number and words[number - 1] == "no" else "present"
            last = found[str(number)] = {
                "tokens": word, "label": f"Observation::definitely {certainty}", "relations": [],
            }  # fmt: skip
        elif word in PLACES:
            found[str(number)] = {"tokens": word, "label": "Anatomy::definitely present", "relations": []}
            if last is not None:
                last["relations"].append(["located_at", str(number)])
    return found


def labelled(text):
    classes = [0] * 14
    for entity in entities(text).values():
        if entity["tokens"] in FINDINGS:
            classes[FINDINGS[entity["tokens"]]] = 2 if entity["label"].endswith("absent") else 1
    counts = [1.0, *(float(text.lower().count(word)) for word in (*FINDINGS, *PLACES))]
    return {"classes": classes, "embedding": base64.b64encode(struct.pack(f"<{len(counts)}f", *counts)).decode()}


ANNOTATORS = {"radgraph": entities, "chexbert": labelled}


def say(message):
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def is_due(plan, name, n_answered, folder):
    """Whether a mishap happens now: after so many answers, each time or ``once``."""
    if n_answered != plan.get(name):
        return False
    mark = folder / f"{name}.done"
    if plan.get("once") and mark.exists():
        return False
    mark.touch()
    return True


def main():
    parser = argparse.ArgumentParser()
    for option in ("--weights", "--scorers", "--radgraph-model", "--device"):
        parser.add_argument(option)
    asked = parser.parse_args()
    folder = Path(asked.weights)
    plan_file = folder / "plan.json"
    plan = json.loads(plan_file.read_text()) if plan_file.exists() else {}
    if "exit_at_start" in plan:
        print("no such luck", file=sys.stderr)
        sys.exit(plan["exit_at_start"])
    weights = hashlib.sha256((folder / "weights.txt").read_bytes()).hexdigest()
    identities = {
        name: {"identity": {"scorer": name, "model": asked.radgraph_model, "weights": {"weights.txt": weights}}}
        for name in asked.scorers.split(",")
    }
    said = identities | {name: {"needs": needs} for name, needs in plan.get("needs", {}).items()}
    say(
        {
            "protocol": plan.get("protocol", 1),
            "python": "tiny",
            "scorers": said,
            "offline": os.environ["HF_HUB_OFFLINE"],
        }
    )
    for n_answered, line in enumerate(sys.stdin):
        request = json.loads(line)
        with (folder / "asked.jsonl").open("a") as log:
            log.write(json.dumps([request["scorer"], request["texts"]]) + "\n")
        if is_due(plan, "die_after", n_answered, folder):
            os._exit(9)
        if is_due(plan, "hang_after", n_answered, folder):
            time.sleep(60)
        if is_due(plan, "garbage_after", n_answered, folder):
            say("Using device: cpu")
            continue
        if request["scorer"] in plan.get("needs_later", {}):
            say({"id": request["id"], "needs": plan["needs_later"][request["scorer"]]})
            continue
        results = [ANNOTATORS[request["scorer"]](text) for text in request["texts"]]
        say({"id": request["id"] + plan.get("shift_id", 0), "results": results[plan.get("drop", 0) :]})


if __name__ == "__main__":
    main()
