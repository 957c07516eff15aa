"""Makes a Postman collection (v2.1, which Apifox imports too) of the merged OpenAPI document."""

import hashlib
import json
import uuid

import openapi

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
ADDRESSES = {"OrderService": "order_url", "AfterSalesService": "after_sales_url", "NotifyService": "notify_url"}
VARIABLES = {
    "order_url": "http://127.0.0.1:8081",
    "after_sales_url": "http://127.0.0.1:8082",
    "notify_url": "http://127.0.0.1:8083",
    "platform_key": "",
    "actor": "customer:stu_1",
    "order_id": "",
    "case_id": "",
    "refund_id": "",
    "endpoint_id": "",
}
# Which variable an {id} in a path is, and which answers set one.
SUBJECTS = {
    "/v1/orders/": "order_id",
    "/v1/cases/": "case_id",
    "/v1/desk/cases/": "case_id",
    "/v1/refunds/": "refund_id",
    "/v1/webhook-endpoints/": "endpoint_id",
}
MAKERS = {"placeOrder": "order_id", "openCase": "case_id", "createWebhookEndpoint": "endpoint_id"}
# Bodies that say more than what is required.
BODIES = {
    "placeOrder": {
        "external_id": "postman-{{$guid}}",
        "customer": {"id": "stu_1"},
        "merchant": {"id": "mer_noodles", "name": "一食堂米粉"},
        "lines": [{"sku": "n1", "name": "牛肉米粉", "category": "noodles", "unit_price_fen": 1450, "quantity": 1}],
        "fees": {"delivery_fen": 150, "packaging_fen": 50},
        "dropoff": {"address": "紫荆公寓 3 号楼"},
        "promised_at": "{{$isoTimestamp}}",
    },
    "payOrder": {
        "channel": "sandbox",
        "transaction_id": "postman-{{$guid}}",
        "amount_fen": 1650,
        "paid_at": "{{$isoTimestamp}}",
    },
    "openCase": {"order_id": "{{order_id}}", "kind": "refund", "reason": "late"},
    # The key of RFC 7517, appendix A.1.
    "importVerificationKeys": {
        "keys": [
            {
                "kty": "EC",
                "crv": "P-256",
                "kid": "postman-{{$guid}}",
                "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            }
        ]
    },
    "createCampus": {
        "code": "west",
        "name": "西校区",
        "timezone": "Asia/Shanghai",
        "is_test": True,
        "key": {"name": "backend", "scopes": ["orders:read", "orders:write"]},
    },
}
# The headers that a person sets by hand; the others are for machines.
SHOWN_HEADERS = ("Idempotency-Key", "X-Actor", "If-Match")
EXAMPLES = {
    "date-time": "2026-03-01T04:05:06Z",
    "uuid": "01957e00-0000-7000-8000-000000000001",
    "uri": "https://platform.example/hooks",
    "date": "2026-03-01",
}


def collection(document):
    """The collection: a folder for each tag, a request for each operation."""
    folders = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in openapi.METHODS:
            if method in item:
                operation = openapi.resolved(document, item[method])
                folders[operation["tags"][0]].append(request(document, path, method, operation))
    description = (
        "Every operation of the three services. Set `platform_key`; behind the proxy, set the three addresses to its origin. "
        "X-Actor is the user on whose behalf the key asks; switch the header off to ask as the platform itself."
    )
    return {
        "info": {
            "_postman_id": identifier("collection"),
            "name": document["info"]["title"],
            "description": description,
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{platform_key}}", "type": "string"}]},
        "variable": [{"key": key, "value": value, "type": "string"} for key, value in VARIABLES.items()],
        "item": [{"name": tag, "item": requests} for tag, requests in folders.items() if requests],
    }


def identifier(name):
    """An id that stays the same for a name, so that importing again replaces."""
    return str(uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))


def request(document, path, method, operation):
    """One entry of the collection."""
    of_kind = {kind: [p for p in operation["parameters"] if p["in"] == kind] for kind in ("path", "query", "header")}
    entry = {
        "name": operation["summary"],
        "id": identifier(operation["operationId"]),
        "request": {
            "method": method.upper(),
            "description": operation["description"],
            "header": [header(document, p) for p in of_kind["header"] if p["name"] in SHOWN_HEADERS],
            "url": url(document, path, operation, of_kind),
        },
        "response": [],
    }
    if not operation["security"]:
        entry["request"]["auth"] = {"type": "noauth"}
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        media_type, content = next(iter(body.items()))
        entry["request"]["header"].append({"key": "Content-Type", "value": media_type})
        sent = BODIES.get(operation["operationId"]) or example(document, content.get("schema", {}))
        entry["request"]["body"] = {
            "mode": "raw",
            "raw": json.dumps(sent, ensure_ascii=False, indent=2) if "schema" in content else "",
            "options": {"raw": {"language": "json"}},
        }
    if operation["operationId"] in MAKERS:
        line = f"if (pm.response.code === 201) pm.collectionVariables.set('{MAKERS[operation['operationId']]}', pm.response.json().id);"
        entry["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": [line]}}]
    return entry


def url(document, path, operation, parameters):
    """Where a request goes; what it does not need is there to be switched on."""
    host = "{{" + ADDRESSES.get(operation.get("x-service"), "order_url") + "}}"
    steps = [f":{step[1:-1]}" if step.startswith("{") else step for step in path.strip("/").split("/")]
    subject = next((name for prefix, name in SUBJECTS.items() if path.startswith(prefix + "{id}")), None)
    query = [
        {
            "key": parameter["name"],
            "value": text(example(document, parameter["schema"])) if parameter["required"] else "",
            "description": parameter["description"],
            "disabled": not parameter["required"],
        }
        for parameter in parameters["query"]
    ]
    for entry in query:
        if entry["key"] in VARIABLES and not entry["disabled"]:
            entry["value"] = "{{" + entry["key"] + "}}"
    enabled = "&".join(f"{entry['key']}={entry['value']}" for entry in query if not entry["disabled"])
    return {
        "raw": "/".join([host, *steps]) + (f"?{enabled}" if enabled else ""),
        "host": [host],
        "path": steps,
        "query": query,
        "variable": [
            {
                "key": parameter["name"],
                "value": "{{" + subject + "}}"
                if subject and parameter["name"] == "id"
                else text(example(document, parameter["schema"])),
                "description": parameter["description"],
            }
            for parameter in parameters["path"]
        ],
    }


def header(document, parameter):
    """A header as a person sets it."""
    if parameter["name"] == "Idempotency-Key":
        value = "{{$guid}}"
    elif parameter["name"] == "X-Actor":
        value = "{{actor}}"
    else:
        value = text(example(document, parameter["schema"]))
    disabled = not parameter["required"]
    return {"key": parameter["name"], "value": value, "description": parameter["description"], "disabled": disabled}


def example(document, schema):
    """The least value that a schema admits, with what it requires."""
    if "$ref" in schema:
        named = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return example(document, {**named, **{name: value for name, value in schema.items() if name != "$ref"}})
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in schema.get("anyOf", []):
        return example(document, choice)
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {})
        return {name: example(document, members[name]) for name in schema.get("required", [])}
    if kind == "array":
        return [example(document, schema["items"])] * max(schema.get("minItems", 0), 1 if "items" in schema else 0)
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1)) if schema.get("maximum", 1) >= 1 else schema["maximum"]
    if kind == "boolean":
        return True
    if kind == "string":
        word = EXAMPLES.get(schema.get("format"), "example")
        return word.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(word))]
    return None


def text(value):
    """A value as it stands in a URL or a header."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(text(element) for element in value)
    return str(value)
