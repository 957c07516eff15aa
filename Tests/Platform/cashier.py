"""The platform's cashier: pays the refunds that it is asked for, and reports in every way that channels and networks bring about."""

import asyncio

from books import Refund
from gateway import Refused

# The ways, one after the other, so that a day sees all of them.
WAYS = ["at_once", "by_steps", "twice", "refused_first", "abnormal_first", "silent", "contradicted", "in_part", "both_at_once"]


class Cashier:
    def __init__(self, gateway, books, clock):
        self._gateway, self._books, self._clock = gateway, books, clock
        self._ways, self._unheard, self._running = {}, {}, set()
        self.may_be_silent = True
        self.met = dict.fromkeys(WAYS, 0)
        self.unknown = set()
        self.settled = set()
        self.troubles = []

    def asked(self, event):
        """A `refund.requested`, from a webhook or the feed; what comes again under the same version is known already."""
        task = asyncio.create_task(self._serve(event))
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task):
        self._running.discard(task)
        if task.exception():
            self.troubles.append(task.exception())

    @property
    def is_idle(self):
        return not self._running and set(self._books.refunds) == self.settled | set(self._unheard)

    @property
    def unheard(self):
        """The refunds that the platform has said nothing about."""
        return {event["refund_id"] for event in self._unheard.values()}

    async def break_silence(self):
        """Says at last what became of the refunds that nobody heard of."""
        for number, event in list(self._unheard.items()):
            if event["refund_id"] not in self.unknown:
                raise AssertionError(f"silence about {number} was not noticed")
            del self._unheard[number]
            await self._succeed(event, expecting={"late"})

    async def _serve(self, event):
        number = event["out_refund_no"]
        known = self._books.refunds.get(number)
        if known is not None:
            if known.amount_fen != event["amount_fen"]:
                raise AssertionError(f"{number} changed its amount")
            # Asked once more, because it had been refused.
            if self._ways[number] == "refused_first" and known.status == "refused":
                await self._succeed(event)
            return
        self._books.refunds[number] = Refund(number, event["transaction_id"], event["amount_fen"])
        way = self._next_way()
        self._ways[number] = way
        self.met[way] += 1
        await getattr(self, "_" + way)(event)

    def _next_way(self):
        ways = WAYS if self.may_be_silent else [way for way in WAYS if way != "silent"]
        return ways[sum(self.met.values()) % len(ways)]

    # The ways.

    async def _at_once(self, event):
        await self._succeed(event)

    async def _by_steps(self, event):
        await self._report(event, "processing", expecting={"taken"})
        await self._succeed(event)

    async def _twice(self, event):
        await self._succeed(event)
        await self._report(event, "succeeded", amount_fen=event["amount_fen"], expecting={"repeated"})

    async def _refused_first(self, event):
        self._books.refunds[event["out_refund_no"]].status = "refused"
        await self._report(event, "failed", code="NOTENOUGH", expecting={"taken"})
        await self._gateway.post("after_sales", f"/v1/refunds/{event['refund_id']}/retry", actor="agent:kf_1")

    async def _abnormal_first(self, event):
        await self._report(event, "abnormal", code="USER_ACCOUNT_ABNORMAL", expecting={"taken"})
        await self._succeed(event)

    async def _silent(self, event):
        self._unheard[event["out_refund_no"]] = event

    async def _contradicted(self, event):
        await self._succeed(event)
        await self._report(event, "failed", code="SYSTEMERROR", expecting={"contradictory"})

    async def _in_part(self, event):
        try:
            await self._report(event, "succeeded", amount_fen=event["amount_fen"] - 1, expecting=set())
            raise AssertionError("a part was taken for the whole")
        except Refused as refusal:
            if refusal.status != 422 or refusal.problem["errors"][0]["pointer"] != "/amount_fen":
                raise
        await self._succeed(event)

    async def _both_at_once(self, event):
        """A refusal and a success overtake each other; money has moved."""
        self._books.paid_back(self._books.refunds[event["out_refund_no"]])
        await asyncio.gather(
            self._report(event, "failed", code="SYSTEMERROR", expecting={"taken", "contradictory"}),
            self._report(
                event, "succeeded", amount_fen=event["amount_fen"], channel_refund_id=f"ch-{event['out_refund_no']}",
                expecting={"taken"},
            ),
        )
        await self._settle(event)

    # What they have in common.

    async def _succeed(self, event, expecting=frozenset({"taken"})):
        self._books.paid_back(self._books.refunds[event["out_refund_no"]])
        await self._report(
            event, "succeeded", amount_fen=event["amount_fen"], channel_refund_id=f"ch-{event['out_refund_no']}",
            expecting=expecting,
        )
        await self._settle(event)

    async def _settle(self, event):
        refund = await self._gateway.get("after_sales", f"/v1/refunds/{event['refund_id']}")
        if refund["status"] != "succeeded":
            raise AssertionError(f"{event['out_refund_no']} is {refund['status']} after its money moved")
        self.settled.add(event["out_refund_no"])

    async def _report(self, event, result, *, expecting, **details):
        at = self._clock.now()
        answer = await self._gateway.post(
            "after_sales",
            f"/v1/refunds/{event['refund_id']}/result",
            {"result": result, "version": event["version"], "at": at, **details},
            key=f"{event['out_refund_no']}:{event['version']}:{result}:{at}",
        )
        if expecting and answer["outcome"] not in expecting:
            raise AssertionError(f"{event['out_refund_no']}: {result} was {answer['outcome']}, not {expecting}")
        return answer
