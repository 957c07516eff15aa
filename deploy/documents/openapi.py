"""Makes one OpenAPI document of the services', for clients that see one origin."""

import re

# What each service says of itself has the same path in all of them; behind the proxy it lies under the service's own prefix.
OWN_PATHS = ("/health/live", "/health/ready", "/openapi.json")
PROBLEM_PAGE = "/problems/{code}"
METHODS = ("get", "post", "put", "delete")

DESCRIPTION = """\
Three services behind one origin: OrderService (an order's life), AfterSalesService (cases, decisions, refunds) and NotifyService (inboxes, \
streams, webhooks). `x-service` says which of them an operation belongs to; without the proxy each has an address of its own. What a service \
says of itself is at `/order`, `/after-sales` and `/notify`, each followed by `/openapi.json`, `/health/live` or `/health/ready`.

"""


class Collision(Exception):
    """Two services give one name to different things."""


def merge(documents):
    """One document of several, by the services' names; raises Collision."""
    paths, schemas, operations, tags = {}, {}, {}, []
    for service, document in documents.items():
        for name, schema in document["components"]["schemas"].items():
            if schemas.setdefault(name, schema) != schema:
                raise Collision(f"the schema {name} of {service} differs from another service's")
        tags += [tag for tag in document["tags"] if tag not in tags]
        for path, item in document["paths"].items():
            if path in OWN_PATHS:
                continue
            if path == PROBLEM_PAGE:
                add_problem_pages(paths, item)
                continue
            if path in paths:
                raise Collision(f"{path} of {service} is also another service's")
            for method in METHODS:
                if method in item:
                    identifier = item[method]["operationId"]
                    if operations.setdefault(identifier, path) != path:
                        raise Collision(f"{identifier} is the operationId of {path} and of {operations[identifier]}")
                    item[method]["x-service"] = service
            paths[path] = item
    first = next(iter(documents.values()))
    merged = {
        "openapi": first["openapi"],
        "info": {
            "title": "Campus after-sales",
            "version": first["info"]["version"],
            "description": DESCRIPTION + first["info"]["description"].split("\n\n", 1)[1],
        },
        "servers": [{"url": "/", "description": "The proxy's origin."}],
        "tags": [tag for tag in tags if tag["name"] != "Health"],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": first["components"]["securitySchemes"],
        },
    }
    return with_shared_parts(merged)


def add_problem_pages(paths, item):
    """Behind one origin every service's problems have their page."""
    known = paths.setdefault(PROBLEM_PAGE, item)
    code, more = (codes_of(entry) for entry in (known, item))
    code[:] = sorted({*code, *more})


def codes_of(item):
    """The list of codes that a problem page's path admits."""
    return next(p for p in item["get"]["parameters"] if p["name"] == "code")["schema"]["enum"]


def with_shared_parts(document):
    """The document with what many operations share said once: headers, parameters, and answers that are problems."""
    components = document["components"]
    shared = {"parameters": {}, "headers": {}, "responses": {}}

    def reference(kind, name, value):
        key = re.sub(r"[^A-Za-z0-9._-]", "", name)
        if shared[kind].setdefault(key, value) != value:
            return value
        return {"$ref": f"#/components/{kind}/{key}"}

    for item in document["paths"].values():
        for operation in (item[method] for method in METHODS if method in item):
            operation["parameters"] = [
                reference("parameters", p["name"], p) if p["in"] == "header" else p for p in operation["parameters"]
            ]
            for status, response in operation["responses"].items():
                response["headers"] = {name: reference("headers", name, header) for name, header in response["headers"].items()}
                if simplify_problem(response):
                    name = "-".join([status, *response["x-problem-codes"]])
                    operation["responses"][status] = reference("responses", name, response)
    for kind, parts in shared.items():
        components[kind] = dict(sorted(parts.items()))
    return document


def simplify_problem(response):
    """Makes every problem of the one type Problem, so that clients have one too, and says its codes beside; False of other answers."""
    content = response.get("content", {}).get("application/problem+json")
    if not content:
        return False
    problem, codes = content["schema"]["allOf"]
    content["schema"] = problem
    response["x-problem-codes"] = codes["properties"]["code"]["enum"]
    return True


def resolved(document, value):
    """A value with every reference but those to schemas replaced by what it refers to."""
    if isinstance(value, list):
        return [resolved(document, element) for element in value]
    if not isinstance(value, dict):
        return value
    target = value.get("$ref", "")
    if target and not target.startswith("#/components/schemas/"):
        part = document
        for step in target[2:].split("/"):
            part = part[step]
        return resolved(document, part)
    return {name: resolved(document, member) for name, member in value.items()}
