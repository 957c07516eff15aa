"""What makes trouble has at hand: the running services, their database, their log, and people who use them."""

import contextlib
import datetime
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import uuid

import httpx

import logql

ROOT = pathlib.Path(__file__).resolve().parents[3]
PATIENCE_S = 60


class Services:
    """The services that `make run` started under a folder, and more instances of them."""

    def __init__(self, state, products):
        self.state, self.products = state, products
        with open(os.environ["CREDENTIALS"], encoding="utf-8") as file:
            self.credentials = json.load(file)
        self.urls = self.credentials["urls"]
        self.own = []

    # The log.

    def lines(self):
        """Every line that any process has written, as Loki would hold it."""
        found = []
        for path in sorted((self.state / "logs").glob("*.log")):
            for text in path.read_text(encoding="utf-8").splitlines():
                if text.startswith("{"):
                    at = datetime.datetime.fromisoformat(json.loads(text)["ts"].replace("Z", "+00:00")).timestamp()
                    found.append(logql.Line(at, {"app": "campus"}, text))
        return sorted(found, key=lambda line: line.at)

    def line(self, event, **values):
        """Waits for a line with these values."""
        wanted = {"event": event, **values}
        return until(
            f"the log has {wanted}",
            lambda: next((f for f in map(logql.Line.fields, self.lines()) if wanted.items() <= f.items()), None),
        )

    # The database, as its owner.

    def sql(self, statement):
        """What it answers, in plain rows."""
        command = [ROOT / "deploy/local-cluster.sh", "sql", self.state / "postgres", "campus", statement]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    def rewrite(self, statement):
        """Changes what no service may change: so that something lies longer ago, or is gone."""
        return self.sql(f"set session_replication_role = replica; {statement}")

    @staticmethod
    def server_program(name):
        """A program of PostgreSQL that is not in the path."""
        folder = subprocess.run(["pg_config", "--bindir"], capture_output=True, check=True, text=True).stdout.strip()
        return f"{folder}/{name}"

    @contextlib.contextmanager
    def held(self, statement):
        """Runs a statement in a transaction that stays open."""
        command = [
            shutil.which("psql") or self.server_program("psql"),
            "-qXAt",
            "-v",
            "ON_ERROR_STOP=1",
            self.credentials["database_url"],
        ]
        session = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        session.stdin.write(f"begin; {statement}; \\echo held\n")
        session.stdin.flush()
        while "held" not in (answer := session.stdout.readline()):
            if not answer:
                raise AssertionError(f"{statement} failed")
        try:
            yield
        finally:
            session.stdin.close()
            session.wait()

    # Processes.

    def operate(self, *arguments):
        """A command of an operator; its answer."""
        environment = {**os.environ, "MIGRATION_DATABASE_URL": self.credentials["database_url"]}
        run = subprocess.run([self.products / "OrderService", *arguments], capture_output=True, text=True, env=environment)
        if run.returncode:
            raise AssertionError(f"OrderService {arguments}: {run.stderr}")
        return run.stdout.strip()

    def run_once(self, product, *arguments, expect=0):
        """A program that runs once, as a job does, its lines among the others."""
        environment = {**os.environ, "MIGRATION_DATABASE_URL": self.credentials["database_url"], "LOG_FORMAT": "json"}
        with open(self.state / "logs/job.log", "ab") as log:
            run = subprocess.run([self.products / product, *arguments], stdout=log, stderr=log, env=environment)
        if run.returncode != expect:
            raise AssertionError(f"{product} {arguments} ended with {run.returncode}")

    def start(self, product, role, **settings):
        """One more instance of a service, with these settings beside those that it needs."""
        command = [ROOT / "deploy/local-cluster.sh", "socket-url", self.state / "postgres", "campus", role]
        url = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "HTTP_PORT": str(free_port()),
            "ALLOW_LOOPBACK_WEBHOOKS": "true",
            "NOTIFY_ENCRYPTION_KEY": self.key("notify"),
            "CONTACT_KEYS": f"k1:{self.key('contact')}",
            **settings,
        }
        with open(self.state / f"logs/another-{role}.log", "ab") as log:
            command = [self.products / product, "serve"]
            self.own.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment))

    def start_another_of_each(self):
        """One more instance of each service: it looks at once at what the others look at each minute."""
        self.start("OrderService", "order_service")
        self.start("AfterSalesService", "after_sales_service")
        self.start("NotifyService", "notify_service")

    def key(self, name):
        """The key that the running NotifyService seals webhook secrets (`notify`) or contacts (`contact`) with."""
        return (self.state / f"{name}.key").read_text(encoding="utf-8")

    def stop(self):
        """Ends the instances that were started here."""
        for process in self.own:
            process.terminate()
        for process in self.own:
            process.wait(PATIENCE_S)


class Campus:
    """A campus with a key of its own, and people who order, bring, complain and decide."""

    def __init__(self, services, code, *options, key_options=()):
        self.services, self.code = services, code
        services.operate("campus", "create", "--code", code, "--name", code, *options)
        self.key = services.operate("key", "issue", "--campus", code, "--name", "alerts", *key_options)

    @property
    def id(self):
        return self.services.sql(f"select id from campus.campus where code = '{self.code}'")

    def ask(self, method, service, path, body=None, actor=None, expect=None):
        """A request with the campus's key, in somebody's name; the answer's JSON."""
        headers = {"authorization": f"Bearer {self.key}", "idempotency-key": uuid.uuid4().hex}
        if actor:
            headers["x-actor"] = actor
        answer = httpx.request(method, self.services.urls[service] + path, json=body, headers=headers)
        if answer.status_code not in (expect or (200, 201, 202, 204)):
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def now(self):
        """The time on the campus's clock."""
        if self.services.sql(f"select is_test from campus.campus where code = '{self.code}'") == "f":
            return datetime.datetime.now(datetime.timezone.utc)
        text = self.ask("GET", "order", "/v1/test/clock")["now"]
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

    def advance(self, seconds):
        self.ask("POST", "order", "/v1/test/clock/advance", {"seconds": seconds})

    def order(self, customer="stu_1", merchant="mer_1", channel="sandbox", transaction="", paid=True, promised_s=1800):
        """An order, paid unless told otherwise; its id."""
        now = self.now()
        order = self.ask(
            "POST",
            "order",
            "/v1/orders",
            {
                "customer": {"id": customer},
                "merchant": {"id": merchant, "name": "一食堂米粉"},
                "lines": [{"sku": "n1", "name": "牛肉米粉", "category": "noodles", "unit_price_fen": 1450, "quantity": 1}],
                "dropoff": {"address": "紫荆公寓 3 号楼"},
                "promised_at": stamp(now + datetime.timedelta(seconds=promised_s)),
            },
        )
        if paid:
            payment = {
                "channel": channel,
                "transaction_id": transaction + uuid.uuid4().hex,
                "amount_fen": order["totals"]["payable_fen"],
                "paid_at": stamp(now),
            }
            self.ask("POST", "order", f"/v1/orders/{order['id']}/pay", payment)
        return order["id"]

    def accepted(self, **options):
        """An order that its merchant has accepted; its id."""
        order = self.order(**options)
        self.ask("POST", "order", f"/v1/orders/{order}/accept", {})
        return order

    def carried(self, **options):
        """An order on its way; its id."""
        order = self.accepted(**options)
        self.ask("POST", "order", f"/v1/orders/{order}/ready", {})
        self.ask("POST", "order", f"/v1/orders/{order}/pickup", {"rider": {"id": "rid_1", "name": "小王"}})
        return order

    def refund(self, **options):
        """The refund of an order that was paid and cancelled, with its amount."""
        order = self.order(**options)
        self.ask("POST", "order", f"/v1/orders/{order}/cancel", {"reason": "changed_mind"})

        def refunds():
            for case in self.ask("GET", "after_sales", f"/v1/cases?order_id={order}")["items"]:
                found = self.ask("GET", "after_sales", f"/v1/cases/{case['id']}")["refunds"]
                if found:
                    return found[0]

        return until(f"order {order} is refunded", refunds)

    def awaited(self, refund, status):
        """Waits until a refund has come to a status."""
        path = f"/v1/refunds/{refund['id']}"
        return until(
            f"refund {refund['id']} is {status}",
            lambda: (found := self.ask("GET", "after_sales", path))["status"] == status and found,
        )

    def report(self, refund, result, expect=None, **members):
        """The platform's word on a refund that it pays itself."""
        self.ask("POST", "after_sales", f"/v1/refunds/{refund['id']}/result", {"result": result, **members}, expect=expect)

    def case(self, order, reason, customer="stu_1"):
        """Asks for the money back; the case's id."""
        body = {"order_id": order, "kind": "refund", "reason": reason}
        return self.ask("POST", "after_sales", "/v1/cases", body, actor=f"customer:{customer}")["id"]


def until(what, condition):
    """What the condition answers, once it answers something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.2)
    return found


def stamp(time_):
    """A time as the services read it."""
    return time_.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
