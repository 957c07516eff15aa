"""Webhooks verify with the official Standard Webhooks library, streams parse with an independent reader, events fit their schemas.

One order is placed, paid and cancelled; a receiver, a stream and a reader of the feed that know nothing of our code must hear of all of it.
"""

import http.server
import json
import os
import queue
import sys
import threading
import time
import uuid

import httpx
from httpx_sse import connect_sse
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

PATIENCE_S = 30
OWED_TO_STUDENT = ["order.placed", "order.paid", "order.cancelled", "refund.created", "refund.succeeded"]


class Receiver(http.server.BaseHTTPRequestHandler):
    """Believes what the official library believes."""

    secret = None
    taken = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = Webhook(Receiver.secret).verify(body, dict(self.headers))
            Receiver.taken.put((self.headers["webhook-id"], event))
            self.send_response(204)
        except Exception as error:  # whatever the library throws is a finding
            Receiver.taken.put((None, f"{type(error).__name__}: {error}"))
            self.send_response(400)
        self.end_headers()

    def log_message(self, *_):
        pass


def read_stream(url, headers, lines, opened):
    """Puts each line of the student's stream into `lines`."""
    with httpx.Client(timeout=httpx.Timeout(5, read=PATIENCE_S)) as client:
        with connect_sse(client, "GET", f"{url}/v1/stream", headers=dict(headers)) as source:
            source.response.raise_for_status()
            opened.set()
            for event in source.iter_sse():
                if event.data:
                    lines.put((event.id, json.loads(event.data)))


def read_feed(url, headers, cursor):
    """Everything of the feed after a cursor, oldest first."""
    events = []
    while True:
        answer = httpx.get(f"{url}/v1/events", params={"after": cursor, "limit": 7, "wait_s": 0}, headers=headers)
        page = answer.raise_for_status().json()
        events += page["items"]
        cursor = page["cursor"]
        if not page["has_more"]:
            return events


def faults_of_schemas(url, events):
    """What in these events is not as the published catalogue says."""
    types = httpx.get(f"{url}/v1/event-types").raise_for_status().json()["items"]
    validators = {}
    for item in types:
        Draft202012Validator.check_schema(item["schema"])
        validators[item["type"]] = Draft202012Validator(item["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER)
    for event in events:
        for error in validators[event["type"]].iter_errors(event):
            yield f"{event['type']} {event['id']}: {error.json_path}: {error.message}"


def main():
    with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
        credentials = json.load(file)
    urls = credentials["urls"]
    run = uuid.uuid4().hex[:8]
    student = f"stu_contract_{run}"
    platform = {"authorization": f"Bearer {credentials['platform_key']}"}
    as_student = {**platform, "x-actor": f"customer:{student}"}

    def post(url, body, headers):
        answer = httpx.post(url, json=body, headers={**headers, "idempotency-key": uuid.uuid4().hex})
        if answer.status_code >= 400:
            raise SystemExit(f"POST {url}: {answer.status_code} {answer.text}")
        return answer.json()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = post(
        f"{urls['notify']}/v1/webhook-endpoints",
        {"url": f"http://127.0.0.1:{server.server_port}/hook", "event_types": ["*"]},
        platform,
    )
    Receiver.secret = endpoint["secret"]
    latest = httpx.get(f"{urls['notify']}/v1/events", params={"after": "latest"}, headers=platform).raise_for_status().json()

    lines, opened = queue.Queue(), threading.Event()
    threading.Thread(target=read_stream, args=(urls["notify"], as_student, lines, opened), daemon=True).start()
    if not opened.wait(PATIENCE_S):
        raise SystemExit("the stream did not open")

    order = post(
        f"{urls['order']}/v1/orders",
        {
            "external_id": f"contract-{run}",
            "customer": {"id": student},
            "merchant": {"id": f"mer_contract_{run}", "name": "一食堂米粉"},
            "lines": [{"sku": "n1", "name": "牛肉米粉 🍜", "category": "noodles", "unit_price_fen": 1450, "quantity": 1}],
            "fees": {"delivery_fen": 100, "packaging_fen": 50},
            "dropoff": {"address": "紫荆公寓 3 号楼"},
            "promised_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1800)),
        },
        as_student,
    )
    post(
        f"{urls['order']}/v1/orders/{order['id']}/pay",
        {
            "channel": "sandbox",
            "transaction_id": f"contract-{run}",
            "amount_fen": order["totals"]["payable_fen"],
            "paid_at": order["times"]["placed_at"],
        },
        platform,
    )
    post(f"{urls['order']}/v1/orders/{order['id']}/cancel", {"reason": "changed_mind"}, as_student)

    faults, streamed, hooked, bodies = [], [], {}, {}
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not (
        set(OWED_TO_STUDENT) <= {line["type"] for _, line in streamed} and "refund.succeeded" in hooked.values()
    ):
        for source, take in ((lines, streamed.append), (Receiver.taken, None)):
            try:
                item = source.get(timeout=0.2)
            except queue.Empty:
                continue
            if take:
                take(item)
            elif item[0] is None:
                faults.append(f"webhook: {item[1]}")
            elif item[1].get("data", {}).get("order_id") == order["id"]:
                hooked[item[0]] = item[1]["type"]
                bodies[item[0]] = item[1]

    types = [line["type"] for _, line in streamed]
    numbers = [line["seq"] for _, line in streamed]
    if types != OWED_TO_STUDENT:
        faults.append(f"the student was told {types}, not {OWED_TO_STUDENT}")
    if numbers != list(range(1, len(numbers) + 1)):
        faults.append(f"inbox numbers {numbers} are not 1, 2, 3 …")
    missing = {"order.placed", "order.paid", "order.cancelled", "order.refund_due", "refund.succeeded"} - set(hooked.values())
    if missing:
        faults.append(f"no webhook told of {sorted(missing)}")
    httpx.delete(f"{urls['notify']}/v1/webhook-endpoints/{endpoint['id']}", headers=platform)

    feed = [event for event in read_feed(urls["notify"], platform, latest["cursor"]) if event["data"].get("order_id") == order["id"]]
    by_id = {event["id"]: event for event in feed}
    if len(by_id) != len(feed):
        faults.append("the feed tells an event twice")
    for name, body in bodies.items():
        if by_id.get(name) != body:
            faults.append(f"the feed has {by_id.get(name)} for the webhook {body}")
    faults += faults_of_schemas(urls["notify"], feed)

    print(f"{len(streamed)} stream lines, {len(hooked)} webhooks verified, {len(feed)} events read, {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
