"""Clients generated from docs/integrate/openapi.json compile, hold their own types, and work against the running services.

TypeScript by openapi-generator (typescript-fetch) and Python by openapi-python-client, as an integrator would generate them.
"""

import compileall
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/integrate/openapi.json"
SOURCES = ROOT / "Tests/Contract/clients"


def run(what, *command, **options):
    """Runs a program; its words and False when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        print(f"  {what}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.returncode == 0


def operations():
    """How many operations the document has."""
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    return {operation["operationId"] for item in paths.values() for operation in item.values()}


def typescript(folder, environment):
    """Yields what is wrong with the TypeScript client."""
    folder.mkdir(parents=True)
    for name in ("tsconfig.json", "smoke.ts"):
        shutil.copy(SOURCES / name, folder)
    tool = pathlib.Path(sys.executable).parent / "openapi-generator-cli"
    # What two operations happen to say alike is not one type for that.
    options = ["--inline-schema-options", "SKIP_SCHEMA_REUSE=true"]
    if not run(
        "openapi-generator", tool, "generate", "-i", DOCUMENT, "-g", "typescript-fetch", "-o", folder / "generated", *options
    ):
        yield "TypeScript: not generated"
        return
    text = "".join(path.read_text(encoding="utf-8") for path in (folder / "generated/apis").glob("*.ts"))
    for missing in sorted(name for name in operations() if f"async {name}(" not in text):
        yield f"TypeScript: {missing} was not generated"
    if not run("tsc", "tsc", "-p", folder):
        yield "TypeScript: does not compile"
    elif not run("node", "node", folder / "compiled/smoke.js", env=environment):
        yield "TypeScript: does not work"


def python(folder, environment):
    """Yields what is wrong with the Python client."""
    folder.mkdir(parents=True)
    tool = pathlib.Path(sys.executable).parent / "openapi-python-client"
    configuration = SOURCES / "openapi-python-client.yaml"
    package = folder / "campus_client"
    command = [
        tool,
        "generate",
        "--path",
        DOCUMENT,
        "--config",
        configuration,
        "--meta",
        "none",
        "--output-path",
        package,
        "--fail-on-warning",
    ]
    if not run("openapi-python-client", *command):
        yield "Python: not generated as a whole"
        return
    if not compileall.compile_dir(package, quiet=1):
        yield "Python: does not compile"
    if not run("python", sys.executable, SOURCES / "smoke.py", env={**environment, "PYTHONPATH": str(folder)}):
        yield "Python: does not work"


def main():
    with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
        credentials = json.load(file)
    environment = {
        **os.environ,
        "PLATFORM_KEY": credentials["platform_key"],
        **{f"{service.upper()}_URL": url for service, url in credentials["urls"].items()},
    }
    clients = pathlib.Path(os.environ["CREDENTIALS"]).parent / "clients"
    shutil.rmtree(clients, ignore_errors=True)
    faults = [*typescript(clients / "typescript", environment), *python(clients / "python", environment)]
    for fault in faults:
        print(f"  {fault}")
    print(f"generated clients: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
