"""The test that docs/integrate/playground.md gives to integrators runs as it stands there."""

import pathlib
import re
import runpy
import sys
import tempfile

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/integrate/playground.md"


def main():
    found = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    if len(found) != 1:
        print(f"  {PAGE.name} has {len(found)} tests")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        test = pathlib.Path(folder) / "test_playground.py"
        test.write_text(found[0], encoding="utf-8")
        runpy.run_path(str(test))
    print("the page's test runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
