"""Past orders are imported as the document describes their lines; half of them first, then from where the import stands, then all again."""

import json
import os
import sys
import time
import uuid

import httpx
from jsonschema import Draft202012Validator

LINES = 3_000


def time_of(seconds):
    """A time so many seconds after the first order, two days ago."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() // 86_400 * 86_400 - 2 * 86_400 + seconds))


def order(number, run):
    """A past order of 18.00 yuan; every fifth was paid back."""
    past = {
        "external_id": f"{run}-{number}",
        "customer": {"id": "stu_demo"},
        "merchant": {"id": "mer_demo", "name": "一食堂米粉"},
        "lines": [{"sku": "n1", "name": "牛肉米粉", "category": "noodles", "unit_price_fen": 1600, "quantity": 1}],
        "fees": {"delivery_fen": 200},
        "dropoff": {"address": "紫荆公寓 3 号楼"},
        "promised_at": time_of(number + 1800),
        "placed_at": time_of(number),
        "status": "completed",
        "accepted_at": time_of(number + 60),
        "picked_up_at": time_of(number + 600),
        "delivered_at": time_of(number + 1500),
        "completed_at": time_of(number + 3600),
        "rider": {"id": "rid_demo"},
        "handover": {"kind": "door"},
        "payments": [
            {
                "channel": "sandbox",
                "transaction_id": f"{run}-{number}",
                "amount_fen": 1800,
                "paid_at": time_of(number + 30),
            }
        ],
    }
    if number % 5 == 0:
        past["refunds"] = [{"out_refund_no": f"{run}-{number}", "amount_fen": 1800, "succeeded_at": time_of(number + 7200)}]
    return past


def main():
    with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
        credentials = json.load(file)
    url = credentials["urls"]["order"]
    platform = {"authorization": f"Bearer {credentials['platform_key']}"}
    document = httpx.get(f"{url}/openapi.json").raise_for_status().json()
    operation = document["paths"]["/v1/orders/import"]["post"]

    def validator(schema):
        return Draft202012Validator({**schema, "components": document["components"]})

    a_line = validator(operation["requestBody"]["content"]["application/x-ndjson"]["x-item-schema"])
    an_answer = validator(operation["responses"]["200"]["content"]["application/json"]["schema"])
    run = uuid.uuid4().hex[:12]
    orders = [order(number, run) for number in range(LINES)]
    for past in orders:
        a_line.validate(past)

    def send(lines, first=1):
        body = (json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
        answer = httpx.post(
            f"{url}/v1/orders/import",
            params={"import_id": run, "from_line": first},
            content=body,
            headers={**platform, "content-type": "application/x-ndjson"},
            timeout=60,
        )
        state = answer.raise_for_status().json()
        an_answer.validate(state)
        return state

    faults = []

    def expect(what, state, **values):
        found = {name: state[name] for name in values}
        if found != values:
            faults.append(f"{what}: {found}, not {values}")

    half = LINES // 2
    expect("half of it", send(orders[:half]), next_line=half + 1, imported=half, skipped=0, faulty=0)
    state = httpx.get(f"{url}/v1/orders/imports/{run}", headers=platform).raise_for_status().json()
    rest = send(orders[state["next_line"] - 1 :], state["next_line"])
    expect("the rest", rest, next_line=LINES + 1, imported=LINES, skipped=0, faulty=0)
    expect("all again", send(orders), next_line=LINES + 1, imported=LINES, skipped=LINES, faulty=0)
    wrong = {**orders[0], "status": "paid", "colour": "red"}
    expect("a line that is not one", send([wrong]), imported=LINES, faulty=1)
    page = httpx.get(f"{url}/v1/orders/imports/{run}/faults", headers=platform).raise_for_status().json()
    if [fault["pointer"] for fault in page["items"]] != ["/colour"]:
        faults.append(f"the faults of the line: {page}")
    found = httpx.get(f"{url}/v1/orders", params={"external_id": f"{run}-0"}, headers=platform).raise_for_status().json()
    options = httpx.get(
        f"{credentials['urls']['after_sales']}/v1/after-sales-options",
        params={"order_id": found["items"][0]["id"]},
        headers={**platform, "x-actor": "customer:stu_demo"},
    )
    if options.raise_for_status().json()["refundable_fen"] != 0:
        faults.append(f"an order that was paid back can be paid back again: {options.text}")

    print(f"{LINES} past orders, {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
