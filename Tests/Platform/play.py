"""Plays a platform's day against the services and closes both books."""

import argparse
import asyncio
import datetime
import json
import pathlib
import sys
import zoneinfo

from books import Books, as_csv, read_day
from cashier import Cashier
from deployment import CAMPUS, Deployment
from gateway import Gateway
from lunch import CampusClock, Lunch
from notices import Feed, Receiver

TIMEZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
AT_ONCE = 24
ENDINGS = ("order.completed", "order.cancelled", "order.rejected")


class Day:
    """A day of the platform, from its first order to the comparison of both books."""

    def __init__(self, deployment, seed):
        self._deployment = deployment
        self._gateway = Gateway(deployment.urls, deployment.key)
        self._books = Books()
        self._clock = CampusClock(self._gateway)
        self._lunch = Lunch(self._gateway, self._books, self._clock, seed)
        self._cashier = Cashier(self._gateway, self._books, self._clock)
        self._feed = Feed(self._gateway, self._hear)
        self._receiver = Receiver(asyncio.get_running_loop(), self._hear)
        self._heard = set()
        self._findings = []

    def _hear(self, name, event):
        """One function for webhooks and feed; what was heard before is nothing new."""
        if name in self._heard:
            return
        self._heard.add(name)
        if not event["test"]:
            self._findings.append(f"{name} does not say that it is a test")
        if event["type"] == "refund.requested":
            self._cashier.asked(event["data"])
        elif event["type"] == "refund.unknown":
            self._cashier.unknown.add(event["data"]["refund_id"])

    def check(self, holds, what):
        print(f"  {'✔' if holds else '✘'} {what}")
        if not holds:
            self._findings.append(what)

    async def run(self, orders):
        try:
            await self._open()
            await self._serve(orders)
            await self._let_clocks_run_out()
            await self._close_books()
            await self._compare()
        finally:
            self._receiver.close()
            await self._gateway.close()
        return self._findings

    async def _open(self):
        # Eleven in the morning of the next day of the campus, so that all of lunch lies in one day whenever this runs.
        tomorrow = (datetime.datetime.now(TIMEZONE) + datetime.timedelta(days=1)).date()
        self._date = tomorrow
        await self._clock.advance_to(datetime.datetime.combine(tomorrow, datetime.time(11), TIMEZONE))
        await self._feed.begin()
        endpoint = await self._gateway.post(
            "notify", "/v1/webhook-endpoints", {"url": self._receiver.url, "event_types": ["*"]}
        )
        self._receiver.secret = endpoint["secret"]

    async def _serve(self, orders):
        """Lunch, while somebody kills one process after the other."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number):
            async with gate:
                await self._lunch.play(number)

        played = asyncio.gather(*(one(number) for number in range(orders)))
        killer = asyncio.create_task(self._kill_until(played))
        await played
        await killer
        print(f"lunch is over: {len(self._lunch.orders)} orders, {self._gateway.repeats} requests repeated")

    async def _kill_until(self, played):
        """Each process in turn, at least once, for as long as lunch lasts."""
        services, turn = self._deployment.services, 0
        while not played.done() or turn < len(services):
            await asyncio.sleep(1.5)
            service = services[turn % len(services)]
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.wait_until_ready)
            turn += 1

    async def _let_clocks_run_out(self):
        await self._feed.follow(until=lambda: self._cashier.is_idle and len(self._books.refunds) >= self._refunds_owed(False))
        # Nobody paid, nobody accepted, nobody said what became of a refund: a quarter of an hour later all of it is settled.
        self._cashier.may_be_silent = False
        await self._clock.advance(1_000)
        await self._feed.follow(
            until=lambda: self._cashier.is_idle and len(self._books.refunds) >= self._refunds_owed(True)
            and self._cashier.unheard <= self._cashier.unknown
        )
        await self._cashier.break_silence()
        # What was delivered completes after a day, and the day is closed.
        await self._clock.advance(26 * 3600)
        await self._feed.follow(until=lambda: self._ended_orders() >= len(self._lunch.orders))
        await self._feed.catch_up(wait_s=2)

    def _refunds_owed(self, with_deadlines):
        owed = set(self._lunch.owed)
        return len(owed if with_deadlines else owed - self._lunch.never_accepted)

    def _ended_orders(self):
        return sum(event["type"] in ENDINGS for event in self._feed.read)

    async def _close_books(self):
        """Every order, every fen, every event."""
        wrong = []
        for external_id, end in self._lunch.ends.items():
            (order,) = (await self._gateway.get("order", "/v1/orders", external_id=external_id))["items"]
            if order["status"] != end or order["id"] != self._lunch.orders[external_id]:
                wrong.append((external_id, order["status"], end))
        self.check(not wrong, f"orders: {len(self._lunch.ends)} as they had to end {wrong[:3] or ''}")
        owed = sum(self._lunch.owed.values())
        self.check(
            self._books.returned_fen == owed,
            f"money: took {self._books.taken_fen} fen, gave back {self._books.returned_fen} of {owed} owed",
        )
        self.check(not self._cashier.troubles, f"refunds: {len(self._books.refunds)} {self._cashier.troubles[:3] or ''}")
        self.check(all(self._cashier.met.values()), f"reports: {self._cashier.met}")
        kills = {service.name: service.kills for service in self._deployment.services}
        self.check(all(kills.values()), f"killed: {kills}")
        self._check_events()

    def _check_events(self):
        names = [event["id"] for event in self._feed.read]
        versions = {}
        for event in self._feed.read:
            if event["type"].startswith("order."):
                versions.setdefault(event["data"]["order_id"], []).append(event["data"]["version"])
        ordered = all(found == sorted(found) for found in versions.values())
        self.check(len(names) == len(set(names)), f"feed: {len(names)} events, each once")
        self.check(ordered and len(versions) == len(self._lunch.orders), "feed: what belongs to an order came in its order")
        self.check(self._receiver.delivered <= set(names), "webhooks: the feed has each of them under the same id")
        self.check(
            self._receiver.lost and self._receiver.lost <= self._heard,
            f"webhooks: {len(self._receiver.delivered)} came, {len(self._receiver.lost)} were lost and found again in the feed",
        )
        self.check(not self._receiver.forged, f"webhooks: all signed {self._receiver.forged[:3] or ''}")

    async def _compare(self):
        path = f"/v1/reconciliation/{self._date}"
        answer = await self._gateway.download("after_sales", path, format="ndjson")
        rows, digest = read_day(answer.content)
        self.check(answer.headers["x-reconciliation-sha256"] == digest, f"the day: {len(rows)} rows under {digest[:12]}…")
        theirs = sorted(
            (row["kind"], row["transaction_id"], row["out_refund_no"] or "", row["amount_fen"])
            for row in rows if row["status"] in ("paid", "succeeded")
        )
        ours = sorted(
            (row["kind"], row["transaction_id"], row["out_refund_no"], row["amount_fen"]) for row in self._books.rows()
        )
        self.check(theirs == ours, f"both books agree to the fen, row by row: {len(ours)} {_difference(ours, theirs)}")
        again = await self._gateway.download("after_sales", path, format="ndjson")
        self.check(again.content == answer.content, "the day is the same when it is read again")
        self._compare_by_command(list(self._books.rows()))

    def _compare_by_command(self, rows):
        agreed = self._reconcile(rows)
        self.check(agreed.returncode == 0, f"the command finds no difference {agreed.stdout[-300:] if agreed.returncode else ''}")
        # One of each kind, planted.
        payments = [row for row in rows if row["kind"] == "payment"]
        refunds = [row for row in rows if row["kind"] == "refund"]
        missing, dearer, doubled, failed = payments[3], payments[5], payments[8], refunds[2]
        planted = [row for row in rows if row is not missing]
        planted[planted.index(dearer)] = {**dearer, "amount_fen": dearer["amount_fen"] + 1}
        planted[planted.index(failed)] = {**failed, "status": "failed"}
        planted += [doubled, {**refunds[0], "out_refund_no": "nobody-asked-for-this"}]
        found = self._reconcile(planted)
        named = found.stderr
        if found.returncode == 1:
            named = {(entry["kind"], entry["number"]) for entry in json.loads(found.stdout)["differences"]}
        expected = {
            ("missing_with_them", missing["transaction_id"]), ("amount_differs", dearer["transaction_id"]),
            ("duplicate", doubled["transaction_id"]), ("status_differs", failed["out_refund_no"]),
            ("missing_with_us", "nobody-asked-for-this"),
        }
        self.check(named == expected, f"the command names each planted difference {named if named != expected else ''}")

    def _reconcile(self, rows):
        file = self._deployment.file("platform.csv")
        file.write_text(as_csv(rows))
        return self._deployment.command(
            "AfterSalesService", "reconcile", "--campus", CAMPUS, "--date", str(self._date), "--file", str(file),
            "--format", "json", check=False,
        )


def _difference(ours, theirs):
    only_ours, only_theirs = set(ours) - set(theirs), set(theirs) - set(ours)
    return f"(only ours {list(only_ours)[:3]}, only theirs {list(only_theirs)[:3]})" if only_ours or only_theirs else ""


async def play(deployment, orders, seed):
    return await Day(deployment, seed).run(orders)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", required=True, help="a folder of built executables")
    parser.add_argument("--state", required=True, help="where the cluster and the logs go; emptied first")
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    deployment = Deployment(pathlib.Path(__file__).parents[2], arguments.state, arguments.products)
    with deployment:
        findings = asyncio.run(play(deployment, arguments.orders, arguments.seed))
    if any(deployment.exits):
        findings.append(f"services left with {deployment.exits}")
    if findings:
        print(f"{len(findings)} findings; the logs are in {arguments.state}", *findings, sep="\n", file=sys.stderr)
        sys.exit(1)
    print("both books agree")


main()
