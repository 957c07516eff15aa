"""Makes an order, a case, a refund and a webhook endpoint, and prints the schemathesis configuration that names them."""

import json
import os
import pathlib
import sys
import time
import uuid

import httpx

PATIENCE_S = 30


def main():
    with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
        credentials = json.load(file)
    urls = credentials["urls"]
    platform = {"authorization": f"Bearer {credentials['platform_key']}"}

    administrator = {"authorization": f"Bearer {credentials['tokens']['admin']}"}

    def post(url, body, actor=None, credential=platform):
        headers = {**credential, "idempotency-key": uuid.uuid4().hex, **({"x-actor": actor} if actor else {})}
        return httpx.post(url, json=body, headers=headers).raise_for_status().json()

    def get(url):
        return httpx.get(url, headers=platform).raise_for_status().json()

    def place(paid=True):
        order = post(
            f"{urls['order']}/v1/orders",
            {
                "customer": {"id": "stu_demo"},
                "merchant": {"id": "mer_demo", "name": "一食堂米粉"},
                "lines": [{"sku": "n1", "name": "牛肉米粉", "category": "noodles", "unit_price_fen": 1450, "quantity": 2}],
                "dropoff": {"address": "紫荆公寓 3 号楼"},
                "promised_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1800)),
            },
        )
        if paid:
            payment = {
                "channel": "sandbox",
                "transaction_id": uuid.uuid4().hex,
                "amount_fen": order["totals"]["payable_fen"],
                "paid_at": order["times"]["placed_at"],
            }
            post(f"{urls['order']}/v1/orders/{order['id']}/pay", payment)
        return order["id"]

    disputed = place()
    act = f"{urls['order']}/v1/orders/{disputed}"
    post(f"{act}/accept", {}, "merchant:mer_demo")
    case = post(
        f"{urls['after_sales']}/v1/cases",
        {"order_id": disputed, "kind": "refund", "reason": "quality"},
        "customer:stu_demo",
    )["id"]

    cancelled = place()
    post(f"{urls['order']}/v1/orders/{cancelled}/cancel", {"reason": "changed_mind"})
    deadline = time.monotonic() + PATIENCE_S
    refunds = []
    while not refunds and time.monotonic() < deadline:
        for item in get(f"{urls['after_sales']}/v1/cases?order_id={cancelled}")["items"]:
            refunds += get(f"{urls['after_sales']}/v1/cases/{item['id']}")["refunds"]
    endpoint = post(
        f"{urls['notify']}/v1/webhook-endpoints",
        {"url": "http://127.0.0.1:9/nobody", "event_types": ["order.*"]},
    )["id"]

    known = {
        r"^/v1/orders/\{id\}": place(),
        r"^/v1/(desk/)?cases/\{id\}": case,
        r"^/v1/refunds/\{id\}": refunds[0]["id"],
        r"^/v1/webhook-endpoints/\{id\}": endpoint,
    }
    print(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    for path, value in known.items():
        print(f"[[operations]]\ninclude-path-regex = '{path}'\nparameters = {{ \"path.id\" = \"{value}\" }}\n")
    # Else the key that the judge is signed in by is found in a list, and revoked.
    post(f"{urls['order']}/v1/verification-keys", {"kid": "judged", "algorithm": "HS256"}, credential=administrator)
    print(
        "[[operations]]\ninclude-path = '/v1/verification-keys/{kid}/revoke'\n"
        'parameters = { "path.kid" = "judged" }\n'
    )
    print(
        "[[operations]]\ninclude-path = '/v1/after-sales-options'\n"
        f"parameters = {{ \"query.order_id\" = \"{disputed}\" }}\n"
    )


if __name__ == "__main__":
    main()
