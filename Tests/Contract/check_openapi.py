"""Each service's openapi.json is valid OpenAPI 3.1, and says what a client generator needs."""

import json
import os
import re
import sys

import httpx
from openapi_spec_validator import OpenAPIV31SpecValidator

METHODS = {"get", "post", "put", "delete"}


def faults_of(document):
    """Yields what is wrong with a document beyond its own schema."""
    if document.get("openapi", "")[:3] != "3.1":
        yield f"openapi is {document.get('openapi')}, not 3.1"
    ids = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("parameters", "summary", "description"):
                continue
            name = f"{method.upper()} {path}"
            if method not in METHODS:
                yield f"{name}: WeChat mini-programs cannot send {method.upper()}"
            operation_id = operation.get("operationId")
            if not operation_id:
                yield f"{name}: no operationId"
            elif operation_id in ids:
                yield f"{name}: operationId {operation_id} is also that of {ids[operation_id]}"
            ids[operation_id] = name
            if not operation.get("summary") or not operation.get("tags"):
                yield f"{name}: no summary or no tag"
            declared = {p["name"] for p in operation.get("parameters", []) + item.get("parameters", []) if p["in"] == "path"}
            if declared != set(re.findall(r"{(\w+)}", path)):
                yield f"{name}: path parameters {declared}"
            responses = operation.get("responses", {})
            if not any(status.startswith("2") for status in responses):
                yield f"{name}: no answer that means success"
            for status, response in responses.items():
                types = response.get("content", {})
                if status[0] in "45" and "application/problem+json" not in types and "$ref" not in response:
                    yield f"{name}: {status} is not application/problem+json"


def main():
    with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
        urls = json.load(file)["urls"]
    wrong = 0
    all_ids = {}
    for service, url in urls.items():
        document = httpx.get(f"{url}/openapi.json").raise_for_status().json()
        faults = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] + list(faults_of(document))
        count = sum(len(METHODS & set(item)) for item in document["paths"].values())
        for path, item in document["paths"].items():
            for method in METHODS & set(item):
                operation_id = item[method].get("operationId")
                if path.startswith("/v1/") and operation_id in all_ids:
                    faults.append(f"operationId {operation_id} is also that of {all_ids[operation_id]}")
                all_ids[operation_id] = f"{service} {path}"
        print(f"{service}: {count} operations, {len(faults)} faults")
        for fault in faults:
            print(f"  {fault}")
        wrong += len(faults)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
