"""The orders of a day: most go well, the others in each way that ends with money going back."""

import datetime
import time

from books import Payment

# Of twenty orders.
STORIES = ["fine"] * 10 + [
    "late", "late", "late", "cancelled", "cancelled", "rejected", "paid_twice", "shared", "unpaid", "never_accepted",
]
# What each comes to once every clock has run out.
ENDS = {
    "fine": "completed", "late": "completed", "paid_twice": "completed", "shared": "completed",
    "cancelled": "cancelled", "rejected": "cancelled", "unpaid": "cancelled", "never_accepted": "cancelled",
}


class CampusClock:
    """The time on the test campus."""

    def __init__(self, gateway):
        self._gateway, self._offset = gateway, 0.0

    def now(self, ago_s=0):
        moment = datetime.datetime.fromtimestamp(time.time() + self._offset - ago_s, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def moment(self):
        return datetime.datetime.fromtimestamp(time.time() + self._offset, datetime.timezone.utc)

    async def advance(self, seconds):
        answer = await self._gateway.post("order", "/v1/test/clock/advance", {"seconds": int(seconds)})
        now = datetime.datetime.fromisoformat(answer["now"])
        self._offset = now.timestamp() - time.time()

    async def advance_to(self, moment):
        await self.advance((moment - self.moment()).total_seconds() + 1)


class Lunch:
    def __init__(self, gateway, books, clock, seed):
        self._gateway, self._books, self._clock, self._seed = gateway, books, clock, seed
        self.orders = {}  # external id → id
        self.ends = {}  # external id → the status it has in the end
        self.never_accepted = set()
        self.owed = {}  # external id → what goes back to its customer, in fen

    async def play(self, number):
        story = STORIES[(number * 7 + self._seed) % len(STORIES)]
        external_id = f"P{self._seed}-{number:05}"
        await getattr(self, "_" + story)(number, external_id)
        self.ends[external_id] = ENDS[story]

    # The stories.

    async def _fine(self, number, external_id):
        order = await self._place(number, external_id)
        await self._pay({external_id: order})
        await self._deliver(order)

    async def _late(self, number, external_id):
        order = await self._place(number, external_id, late=True)
        await self._pay({external_id: order})
        case = await self._gateway.post(
            "after_sales", "/v1/cases",
            {"order_id": order["id"], "kind": "refund", "reason": "late", "description": "迟到一小时"},
            actor=_customer(number),
        )
        if case["decision"]["verdict"] != "approved" or not case["decision"]["reasons"]:
            raise AssertionError(f"a late order was not decided: {case}")
        self.owed[external_id] = case["refund"]["amount_fen"]
        await self._deliver(order)

    async def _cancelled(self, number, external_id):
        order = await self._place(number, external_id)
        await self._pay({external_id: order})
        await self._act(order, "cancel", _customer(number), {"reason": "下错单了"})
        self.owed[external_id] = order["totals"]["payable_fen"]

    async def _rejected(self, number, external_id):
        order = await self._place(number, external_id)
        await self._pay({external_id: order})
        await self._act(order, "reject", _merchant(number), {"reason": "sold out"})
        self.owed[external_id] = order["totals"]["payable_fen"]

    async def _paid_twice(self, number, external_id):
        order = await self._place(number, external_id)
        await self._pay({external_id: order})
        await self._pay({external_id: order}, again="-again")
        self.owed[external_id] = order["totals"]["payable_fen"]
        await self._deliver(order)

    async def _shared(self, number, external_id):
        """Two orders of one table, one payment."""
        orders = {name: await self._place(number, name) for name in (external_id, external_id + "-b")}
        await self._pay(orders)
        for order in orders.values():
            await self._deliver(order)
        self.ends[external_id + "-b"] = "completed"

    async def _unpaid(self, number, external_id):
        await self._place(number, external_id)

    async def _never_accepted(self, number, external_id):
        order = await self._place(number, external_id)
        await self._pay({external_id: order})
        self.owed[external_id] = order["totals"]["payable_fen"]
        self.never_accepted.add(external_id)

    # The steps.

    async def _place(self, number, external_id, late=False):
        order = await self._gateway.post("order", "/v1/orders", {
            "external_id": external_id,
            "customer": {"id": _customer(number).split(":")[1]},
            "merchant": {"id": _merchant(number).split(":")[1], "name": f"{number % 9 + 1} 号窗口"},
            "lines": [
                {"sku": "n1", "name": "牛肉米粉", "category": "noodles", "unit_price_fen": 1450 + number % 7, "quantity": 1},
                {"sku": "t1", "name": "冰红茶", "category": "drink", "unit_price_fen": 350, "quantity": number % 3 + 1},
            ],
            "fees": {"delivery_fen": 150, "packaging_fen": 50},
            "discounts": [{"funded_by": "platform", "amount_fen": 333}] if number % 4 == 0 else [],
            "dropoff": {"address": "紫荆公寓 3 号楼"},
            "promised_at": self._clock.now(ago_s=3600 if late else -1800),
        }, key=f"place:{external_id}")
        self.orders[external_id] = order["id"]
        return order

    async def _pay(self, orders, again=""):
        parts = {name: order["totals"]["payable_fen"] for name, order in orders.items()}
        payment = Payment(f"tx-{next(iter(orders))}{again}", sum(parts.values()), self._clock.now(), parts)
        references = {
            "channel": "delegated", "transaction_id": payment.transaction_id, "amount_fen": payment.amount_fen,
            "paid_at": payment.paid_at, "out_trade_no": f"trade-{payment.transaction_id}", "mchid": "1900000109",
        }
        # Taken first, reported then: the platform's books do not depend on ours.
        self._books.took(payment)
        if len(orders) == 1:
            (order,) = orders.values()
            path, body = f"/v1/orders/{order['id']}/pay", references
        else:
            path = "/v1/payments"
            body = {**references, "orders": [
                {"order_id": order["id"], "amount_fen": parts[name]} for name, order in orders.items()
            ]}
        await self._gateway.post("order", path, body, key=f"pay:{payment.transaction_id}")

    async def _deliver(self, order):
        for action, body in (
            ("accept", {}), ("ready", {}), ("pickup", {"rider": {"id": "rid_1", "name": "小王"}}),
            ("deliver", {"handover": {"kind": "door"}}),
        ):
            await self._act(order, action, None, body)

    async def _act(self, order, action, actor, body):
        await self._gateway.post("order", f"/v1/orders/{order['id']}/{action}", body, actor, key=f"{action}:{order['id']}")


def _customer(number):
    return f"customer:stu_{number % 97}"


def _merchant(number):
    return f"merchant:mer_{number % 9}"
