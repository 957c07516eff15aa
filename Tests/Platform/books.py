"""The platform's own books: what it took and what it paid back, by its own numbers. Nothing here is asked of the services."""

import csv
import dataclasses
import hashlib
import io
import json


@dataclasses.dataclass
class Payment:
    transaction_id: str
    amount_fen: int
    paid_at: str
    # Which order has how much of it.
    parts: dict[str, int]


@dataclasses.dataclass
class Refund:
    out_refund_no: str
    transaction_id: str
    amount_fen: int
    status: str = "asked"


class Books:
    def __init__(self):
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}

    def took(self, payment):
        self.payments[payment.transaction_id] = payment

    def paid_back(self, refund):
        """Money leaves once for each number, however often it is asked for."""
        if refund.status == "paid":
            raise AssertionError(f"{refund.out_refund_no} is paid twice")
        refund.status = "paid"

    @property
    def taken_fen(self):
        return sum(payment.amount_fen for payment in self.payments.values())

    @property
    def returned_fen(self):
        return sum(refund.amount_fen for refund in self.refunds.values() if refund.status == "paid")

    def rows(self):
        """The day as the platform has it: a row for each order's part of a payment, and for each refund."""
        for payment in self.payments.values():
            for external_id, amount in payment.parts.items():
                yield {
                    "kind": "payment", "transaction_id": payment.transaction_id, "out_refund_no": "",
                    "external_id": external_id, "amount_fen": amount, "status": "paid",
                }
        for refund in self.refunds.values():
            if refund.status == "paid":
                yield {
                    "kind": "refund", "transaction_id": refund.transaction_id, "out_refund_no": refund.out_refund_no,
                    "external_id": "", "amount_fen": refund.amount_fen, "status": "success",
                }


def as_csv(rows):
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_day(body):
    """The rows of a day as downloaded; nothing when its trailer does not prove it whole."""
    lines = body.splitlines(keepends=True)
    trailer = json.loads(lines[-1])
    digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    if trailer["kind"] != "trailer" or trailer["rows"] != len(lines) - 1 or trailer["sha256"] != digest:
        raise AssertionError(f"the day does not fit its trailer {trailer}")
    return [json.loads(line) for line in lines[:-1]], digest
