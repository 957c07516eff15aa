"""The documents are what the services say of themselves, and lead where they say.

That docs/integrate/ is what `make documents` would write is checked before; here the merged OpenAPI is held against the running services,
every problem's page is fetched, the Postman collection's bodies are held against their schemas, the code that verifies webhooks is run, and
every link is followed.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import httpx
import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/documents"))
import openapi  # noqa: E402
import postman  # noqa: E402

# What Postman puts in for its own variables.
DYNAMIC = {"{{$guid}}": "f1e4c2a0-0000-4000-8000-000000000001", "{{$isoTimestamp}}": "2026-03-01T04:05:06.000Z"}


def faults_of_merged(merged, documents):
    """Yields where the merged document differs from the services'."""
    yield from (f"openapi.json: {error.message}" for error in OpenAPIV31SpecValidator(merged).iter_errors())
    seen = set()
    for service, document in documents.items():
        for name, schema in document["components"]["schemas"].items():
            if merged["components"]["schemas"].get(name) != schema:
                yield f"openapi.json: the schema {name} is not that of {service}"
        for path, item in document["paths"].items():
            if path in openapi.OWN_PATHS or path == openapi.PROBLEM_PAGE:
                continue
            for method, operation in item.items():
                ours = openapi.resolved(merged, merged["paths"].get(path, {}).get(method, {}))
                for response in operation["responses"].values():
                    openapi.simplify_problem(response)
                seen.add((path, method))
                if ours.pop("x-service", None) != service or ours != operation:
                    yield f"openapi.json: {method.upper()} {path} is not that of {service}"
    for path, item in merged["paths"].items():
        for method in item:
            if path != openapi.PROBLEM_PAGE and (path, method) not in seen:
                yield f"openapi.json: {method.upper()} {path} belongs to no service"


def faults_of_problems(urls, documents):
    """Yields problems whose `type` leads nowhere, at the service that answers with them or in the catalogue."""
    catalogues = {name: (ROOT / "docs/integrate" / name).read_text(encoding="utf-8") for name in ("errors.md", "errors.zh-CN.md")}
    for service, url in urls.items():
        for code in openapi.codes_of(documents[service]["paths"][openapi.PROBLEM_PAGE]):
            answer = httpx.get(f"{url}/problems/{code}")
            if answer.status_code != 200 or f"`{code}`" not in answer.text:
                yield f"{service}: /problems/{code} answers {answer.status_code}"
            elif not re.search(r"^## .*[\u4e00-\u9fff]", answer.text, re.M):
                yield f"{service}: the page of {code} has no Chinese"
            for name, page in catalogues.items():
                if f"\n## {code}\n" not in page:
                    yield f"{name} does not have {code}"
    refused = httpx.get(f"{urls['order']}/v1/orders")
    if httpx.get(urls["order"] + refused.json()["type"]).status_code != 200:
        yield f"the type {refused.json()['type']} of a real problem leads nowhere"


def faults_of_collection(merged):
    """Yields what is wrong with the Postman collection."""
    collection = json.loads((ROOT / "docs/integrate/postman.json").read_text(encoding="utf-8"))
    known = {f"{{{{{entry['key']}}}}}" for entry in collection["variable"]}
    operations = {
        postman.identifier(item[method]["operationId"]): item[method]
        for item in merged["paths"].values()
        for method in openapi.METHODS
        if method in item
    }
    entries = [entry for folder in collection["item"] for entry in folder["item"]]
    if {entry["id"] for entry in entries} != set(operations):
        yield "postman.json does not have every operation once"
    for entry in entries:
        text = json.dumps(entry)
        for variable in set(re.findall(r"{{[^}]+}}", text)) - known - set(DYNAMIC):
            yield f"postman.json {entry['name']}: nobody sets {variable}"
        operation = operations[entry["id"]]
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema:
            body = entry["request"]["body"]["raw"]
            for variable, value in DYNAMIC.items():
                body = body.replace(variable, value)
            body = re.sub(r"{{\w+_id}}", DYNAMIC["{{$guid}}"], body)
            validator = jsonschema.Draft202012Validator({**schema, "components": merged["components"]})
            for error in validator.iter_errors(json.loads(body)):
                yield f"postman.json {entry['name']}: {error.json_path} {error.message}"


def faults_of_verification():
    """Yields what the code of webhooks.md makes of the signature that the page gives as a sample."""
    page = (ROOT / "docs/integrate/webhooks.md").read_text(encoding="utf-8")
    sample = page[page.index("To try yours") :]
    secret, name, stamp, body, signature = re.findall(r"`([^`]+)`", sample)[:5]
    headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": f"v1,AAAA {signature}"}
    # The genuine one; another body; six minutes late; no signature.
    trials = [(headers, body, 299), (headers, body + " ", 0), (headers, body, 360), ({**headers, "webhook-signature": ""}, body, 0)]
    wanted = [True, False, False, False]
    python, script = (re.search(rf"```{language}\n(.*?)```", page, re.S)[1] for language in ("python", "js"))
    names = {}
    exec(python, names)
    if [names["verified"](given, text.encode(), secret, int(stamp) + late) for given, text, late in trials] != wanted:
        yield "webhooks.md: the Python does not tell what is genuine"
    script += f"""
    const trials = {json.dumps(trials)};
    const found = trials.map(([given, text, late]) => verified(given, Buffer.from(text), {json.dumps(secret)}, {stamp} + late));
    console.log(JSON.stringify(found));
    """
    answer = subprocess.run(["node", "--input-type=module", "-"], input=script, capture_output=True, text=True)
    if answer.returncode or json.loads(answer.stdout) != wanted:
        yield f"webhooks.md: the JavaScript does not tell what is genuine: {answer.stdout}{answer.stderr}"


def anchors_of(text):
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ +(.+?) *$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    plain = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in plain}


def faults_of_links():
    """Yields relative links of the pages that lead nowhere."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    for name in listed.stdout.splitlines():
        page = ROOT / name
        if not page.exists():
            continue
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            if not linked.exists():
                yield f"{name}: {target} is not there"
            elif anchor and linked.suffix == ".md" and anchor not in anchors_of(linked.read_text(encoding="utf-8")):
                yield f"{name}: {target} has no such heading"


def faults_of_translation(folder):
    """Yields where README.zh-CN.md and README.md of a folder do not have the same commands, samples, paths, pages and levels of headings."""

    def outline(name):
        text = (folder / name).read_text(encoding="utf-8")
        fenced = re.findall(r"^```(?:sh|json)\n(.*?)^```", text, re.M | re.S)
        prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        return {
            "headings": re.findall(r"^#+(?= )", prose, re.M),
            "commands and samples": [re.sub(r"\s*(^|\s)#\s.*$", "", block, flags=re.M) for block in fenced],
            "operations": sorted(set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]*)`", prose))),
            "links": sorted(set(re.findall(r"\]\(([^)#\s]+)", prose.replace("zh-CN.md", "md")))),
        }

    english, chinese = outline("README.md"), outline("README.zh-CN.md")
    for part in english:
        if english[part] != chinese[part]:
            yield f"{folder.relative_to(ROOT)}/README.zh-CN.md: its {part} are not those of README.md"
    for name, other in (("README.md", "README.zh-CN.md"), ("README.zh-CN.md", "README.md")):
        if f"]({other})" not in (folder / name).read_text(encoding="utf-8"):
            yield f"{folder.relative_to(ROOT)}/{name} does not link {other}"


def main():
    with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
        urls = json.load(file)["urls"]
    documents = {service: httpx.get(f"{url}/openapi.json").raise_for_status().json() for service, url in urls.items()}
    merged = json.loads((ROOT / "docs/integrate/openapi.json").read_text(encoding="utf-8"))
    titled = {document["info"]["title"]: document for document in documents.values()}
    faults = [
        *faults_of_merged(merged, titled),
        *faults_of_problems(urls, documents),
        *faults_of_collection(merged),
        *faults_of_verification(),
        *faults_of_links(),
        *faults_of_translation(ROOT),
        *faults_of_translation(ROOT / "docs/integrate"),
    ]
    for fault in faults:
        print(f"  {fault}")
    print(f"merged OpenAPI, problem pages, Postman collection, verification of webhooks, links: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
