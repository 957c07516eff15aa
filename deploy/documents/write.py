#!/usr/bin/env python3
"""Writes docs/integrate/ as far as it comes from the code: what `make documents` does.

    deploy/documents/write.py --products FOLDER [--check]

FOLDER holds the built executables. With --check nothing is written: what differs is named, and the exit code is 1.
Needs Python 3.9 and nothing else.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import openapi
import postman
import problems

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs/integrate"
SERVICES = ("OrderService", "AfterSalesService", "NotifyService")


def ask(products, service, command):
    """What a service's executable says of itself."""
    answer = subprocess.run([products / service, command], capture_output=True, check=True, cwd="/")
    return json.loads(answer.stdout)


def event_catalogue(products):
    """The pages about events, which NotifyService writes by itself."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([products / "NotifyService", "event-catalogue", folder], check=True, cwd="/")
        root = pathlib.Path(folder)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in files}


def as_text(document):
    """JSON as it is kept: a line for each member, so that a change is seen."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def pages(products):
    """Each file's name and text."""
    merged = openapi.merge({service: ask(products, service, "openapi") for service in SERVICES})
    catalogue = problems.merge({service: ask(products, service, "problems") for service in SERVICES})
    return {
        "openapi.json": as_text(merged),
        "postman.json": as_text(postman.collection(merged)),
        "errors.md": problems.page(catalogue, "en"),
        "errors.zh-CN.md": problems.page(catalogue, "zh-CN"),
        **event_catalogue(products),
    }


def main():
    arguments = argparse.ArgumentParser(description="Writes the documents that come from the code.")
    arguments.add_argument("--products", type=pathlib.Path, default=ROOT / ".build/debug")
    arguments.add_argument("--check", action="store_true", help="write nothing, say what differs")
    given = arguments.parse_args()
    stale = []
    for name, text in pages(given.products.resolve()).items():
        path = PAGES / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not given.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/integrate/{name}")
    if given.check and stale:
        print("not as the code has it (make documents writes them anew): " + ", ".join(stale))
    return 1 if given.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
