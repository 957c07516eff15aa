"""A client that openapi-python-client made of docs/integrate/openapi.json, used as its types say."""

import datetime
import os
import sys
import time
import uuid

from campus_client import AuthenticatedClient
from campus_client.api.cases import get_after_sales_options, get_case, open_case
from campus_client.api.inbox import read_inbox
from campus_client.api.orders import accept_order, get_order, place_order
from campus_client.api.payments import pay_order
from campus_client.api.webhooks import list_webhook_endpoints
from campus_client.models import (
    AcceptOrder,
    CaseOpening,
    CaseOpeningKind,
    CaseOpeningLine,
    CaseOpeningReason,
    Dropoff,
    Order,
    OrderedItem,
    PayOrder,
    PayOrderChannel,
    PlaceOrder,
    PlaceOrderCustomer,
    PlaceOrderMerchant,
    Problem,
)


def client(service):
    """A client of one service; behind the proxy all three are one."""
    return AuthenticatedClient(base_url=os.environ[service], token=os.environ["PLATFORM_KEY"])


def once():
    """A key for a new intention."""
    return f"python-{uuid.uuid4().hex}"


def main():
    orders, after_sales, notify = client("ORDER_URL"), client("AFTER_SALES_URL"), client("NOTIFY_URL")
    actor, key = "customer:stu_python", once()
    body = PlaceOrder(
        external_id=once(),
        customer=PlaceOrderCustomer(id="stu_python"),
        merchant=PlaceOrderMerchant(id="mer_python", name="一食堂米粉"),
        lines=[OrderedItem(sku="n1", name="牛肉米粉", category="noodles", unit_price_fen=1450, quantity=2)],
        dropoff=Dropoff(address="紫荆公寓 3 号楼"),
        promised_at=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30),
    )
    order = place_order.sync(client=orders, body=body, idempotency_key=key, x_actor=actor)
    assert isinstance(order, Order), order
    assert order.totals.payable_fen == 2900
    again = place_order.sync_detailed(client=orders, body=body, idempotency_key=key, x_actor=actor)
    assert again.parsed.id == order.id and again.headers["Idempotent-Replayed"] == "true"

    payment = PayOrder(
        channel=PayOrderChannel.SANDBOX,
        transaction_id=once(),
        amount_fen=order.totals.payable_fen,
        paid_at=order.times.placed_at,
    )
    paid = pay_order.sync(order.id, client=orders, body=payment, idempotency_key=once())
    assert isinstance(paid, Order) and paid.status == "paid", paid
    accept_order.sync(order.id, client=orders, body=AcceptOrder(), idempotency_key=once())

    options = get_after_sales_options.sync(client=after_sales, order_id=order.id, x_actor=actor)
    assert options.refundable_fen == 2900
    opening = CaseOpening(
        order_id=order.id,
        kind=CaseOpeningKind.REFUND,
        reason=CaseOpeningReason.QUALITY,
        lines=[CaseOpeningLine(line_no=1, quantity=1)],
    )
    opened = open_case.sync(client=after_sales, body=opening, idempotency_key=once(), x_actor=actor)
    assert get_case.sync(opened.id, client=after_sales, x_actor=actor).requested_fen == 1450

    deadline, told = time.monotonic() + 30, []
    while "case.opened" not in told and time.monotonic() < deadline:
        told = [item.type_ for item in read_inbox.sync(client=notify, after="0", wait_s=1, x_actor=actor).items]
    assert {"order.placed", "case.opened"} <= set(told), told
    assert isinstance(list_webhook_endpoints.sync(client=notify).items, list)

    missing = get_order.sync(uuid.UUID("01957e00-0000-7000-8000-000000000001"), client=orders)
    assert isinstance(missing, Problem) and missing.code == "not-found" and missing.status == 404, missing


if __name__ == "__main__":
    sys.exit(main())
