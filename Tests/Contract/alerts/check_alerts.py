"""Each shipped alert rule is silent over a healthy lunch and fires once its trouble is made.

What is evaluated is the rule as it stands in deploy/alerts, over the lines that the running services wrote.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time

import yaml

import logql
from services import PATIENCE_S, ROOT, Services
from troubles import Troubles

RULES = ROOT / "deploy/alerts/campus.yaml"
WEEK_S = 604800


def method_name(alert):
    """The trouble of an alert."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", alert).lower()


def rules():
    """The rules of the file, by name."""
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return {rule["alert"]: rule for group in document["groups"] for rule in group["rules"]}


def faults_of_file(found):
    """Yields what is wrong with the rules as such."""
    text = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    anchors = {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.M)}
    documented = (ROOT / "docs/logs.md").read_text(encoding="utf-8")
    made = {name for name in vars(Troubles) if not name.startswith("_")} - {"close"}
    for missing in made ^ {method_name(alert) for alert in found}:
        yield f"{missing}: a trouble without its alert, or an alert without its trouble"
    for alert, rule in found.items():
        if rule["labels"].get("severity") not in ("page", "warning"):
            yield f"{alert}: severity {rule['labels'].get('severity')}"
        for name in ("summary", "description", "runbook_url"):
            if not rule["annotations"].get(name):
                yield f"{alert}: no {name}"
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        if page != "docs/operate.md" or anchor not in anchors:
            yield f"{alert}: {rule['annotations']['runbook_url']} leads nowhere"
        for event in re.findall(r'event=~?"([^"]+)"', rule["expr"]):
            for name in event.split("|"):
                if f"`{name}`" not in documented:
                    yield f"{alert}: docs/logs.md does not know {name}"


def firing(found, lines, history=()):
    """The alerts that fire at the time of the last line, each with the labels of what it fires for."""
    if not lines:
        return {}
    at = lines[-1].at + 0.001
    results = {alert: logql.evaluate(rule["expr"], [*history, *lines], at) for alert, rule in found.items()}
    return {alert: vector for alert, vector in results.items() if vector}


def faults_of_words(rule, vector):
    """Yields the labels that the words of an alert speak of and its result does not have."""
    for text in rule["annotations"].values():
        for label in re.findall(r"\$labels\.(\w+)", text):
            if any(label not in dict(labels) for labels in vector):
                yield f"{rule['alert']}: its words speak of {label}, which is not in its result"


def weeks_before(lines, campus):
    """The decisions among these lines as though they had been made in each of the four weeks before, at another campus."""
    decided = [line for line in lines if '"event":"case.decided"' in line.text]
    return [
        dataclasses.replace(line, at=line.at - week * WEEK_S, text=re.sub(r'"campus":"[^"]*"', f'"campus":"{campus}"', line.text))
        for week in range(1, 5)
        for line in decided
    ]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--state", type=pathlib.Path, required=True)
    arguments.add_argument("--products", type=pathlib.Path, required=True)
    given = arguments.parse_args()
    services = Services(given.state, given.products)
    found = rules()
    faults = list(faults_of_file(found))

    lunch = ["demo", "--credentials", os.environ["CREDENTIALS"], "--plain", "--orders", "60", "--seconds", "8"]
    played = subprocess.run([given.products / "CampusSimulator", *lunch], capture_output=True, text=True)
    if played.returncode:
        raise SystemExit(f"the lunch did not go well:\n{played.stdout[-3000:]}{played.stderr[-1000:]}")
    healthy = services.lines()
    print(f"a lunch of {len(healthy)} lines; {len(found)} rules")
    history = weeks_before(healthy, "alerts-test")
    for alert, vector in firing(found, healthy, weeks_before(healthy, "demo")).items():
        faults.append(f"{alert} fires although all is well: {vector}")

    troubles = Troubles(services)
    try:
        # In the order in which they stand there: those that hold everything up come last.
        for name, make in vars(Troubles).items():
            if name in {method_name(alert) for alert in found}:
                make(troubles)
        services.start_another_of_each()
        deadline = time.monotonic() + 2 * PATIENCE_S
        while len(heard := firing(found, services.lines(), history)) < len(found) and time.monotonic() < deadline:
            time.sleep(1)
    finally:
        troubles.close()
        services.stop()
    for alert, rule in found.items():
        if alert in heard:
            faults += faults_of_words(rule, heard[alert])
        else:
            faults.append(f"{alert} does not fire when its trouble is there")
    print(f"{len(heard)} of {len(found)} alerts fired, {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
