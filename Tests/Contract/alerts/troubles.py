"""One trouble for each alert, made for real. What would take hours is made to lie hours ago."""

import contextlib
import datetime
import http.server
import threading
import zoneinfo

from services import Campus, stamp, until


class Troubles:
    """Each method is named for its alert and makes what that alert is for."""

    def __init__(self, services):
        self.services = services
        self.open = contextlib.ExitStack()
        # A campus whose clock can be advanced; one that is no test, on which nobody pays with play money; and one with caps.
        self.test = Campus(services, "alerts-test", "--test")
        self.live = Campus(services, "alerts-live")
        self.capped = Campus(services, "alerts-capped", "--test")
        self.first_day = self.test.now().astimezone(zoneinfo.ZoneInfo("Asia/Shanghai")).date().isoformat()

    def close(self):
        """Gives back what was held."""
        self.open.close()

    # Money.

    def refund_unanswered(self):
        refund = self.test.refund(channel="delegated")
        self.test.awaited(refund, "submitting")
        self.test.advance(25 * 3600)
        self.test.awaited(refund, "unknown")

    def refund_stays_unknown(self):
        # The refund that was not answered above.
        self.services.rewrite("update campus.refund set updated_at = now() - interval '16 minutes' where status = 'unknown'")

    def refund_unsettled(self):
        self.test.awaited(refund := self.test.refund(transaction="SANDBOX-ABNORMAL"), "abnormal")
        self.services.rewrite(f"update campus.refund set created_at = now() - interval '25 hours' where id = '{refund['id']}'")

    def refund_reports_disagree(self):
        refund = self.live.refund(channel="delegated")
        self.live.awaited(refund, "submitting")
        self.live.report(refund, "succeeded", amount_fen=refund["amount_fen"])
        self.live.report(refund, "failed", code="CLOSED_ACCOUNT")

    def refund_funds_short(self):
        refund = self.live.refund(channel="delegated")
        self.live.awaited(refund, "submitting")
        self.live.report(refund, "failed", code="NOT_ENOUGH")

    def ledger_nonzero(self):
        refund = self.capped.awaited(self.capped.refund(), "succeeded")
        self.services.rewrite(f"delete from campus.ledger_entry where refund_id = '{refund['id']}'")

    def money_brake(self):
        self.services.sql(
            f"update campus.campus set settings = '{{\"brake_customer_day_fen\": 1}}' where id = '{self.capped.id}'"
        )

        def braked():
            order = self.capped.carried(promised_s=-7200)
            self.capped.ask("POST", "order", f"/v1/orders/{order}/deliver", {"handover": {"kind": "door"}})
            self.capped.case(order, "late")
            return [line for line in self.services.lines() if '"money.brake"' in line.text]

        until("the brake holds", braked)

    def refund_missing(self):
        # Taken on, and then the channel loses its book.
        refund = self.test.awaited(self.test.refund(customer="stu_lost", transaction="SANDBOX-LATE"), "processing")
        self.services.sql(f"delete from campus.sandbox_refund where out_refund_no = '{refund['out_refund_no']}'")
        self.services.line("refund.missing")

    def reconcile_difference(self):
        # The day before the clock was advanced, in which the platform has a payment that nobody reported.
        self.test.ask("GET", "after_sales", f"/v1/reconciliation/{self.first_day}")
        books = self.services.state / "books.csv"
        books.write_text("kind,transaction_id,amount_fen,status\npayment,never-reported,100,paid\n", encoding="utf-8")
        day = ["--campus", self.test.code, "--date", self.first_day, "--file", str(books)]
        self.services.run_once("AfterSalesService", "reconcile", *day, expect=1)

    def reconciliation_failed(self):
        # The service may no longer write its books, and a day is over. A running service looks each minute, a new one at once.
        self.services.sql("revoke insert on campus.reconciliation_day from after_sales_service")
        self.test.advance(86400)

    # The services themselves.

    def service_failed(self):
        # Its port is taken.
        self.services.start("OrderService", "order_service", HTTP_PORT=self.services.urls["order"].rpartition(":")[2])
        self.services.line("service.failed", service="order_service")

    def secrets_unreadable(self):
        # An instance that was given another key than the one with which a contact is sealed.
        contact = {"phone": "13800138000", "updated_at": stamp(self.live.now())}
        self.live.ask("PUT", "notify", "/v1/contacts/customer/stu_1", contact)
        self.services.start("NotifyService", "notify_service", CONTACT_KEYS=f"k2:{self.services.key('contact')}")
        self.services.line("contact.key_missing")

    # Somebody's health.

    def food_safety_cluster(self):
        for number, reason in enumerate(("illness", "foreign_object", "illness")):
            customer = f"stu_ill_{number}"
            self.test.case(self.test.accepted(customer=customer, merchant="mer_oysters"), reason, customer)

    # Promises.

    def case_sla_missed(self):
        case = self.test.case(self.test.accepted(customer="stu_waits"), "quality", "stu_waits")
        self.test.advance(25 * 3600)
        self.services.line("case.sla_missed", case_id=case)

    def order_acceptance_stalled(self):
        orders = [self.test.order(merchant="mer_asleep") for _ in range(3)]
        self.test.advance(3600)
        for order in orders:
            self.services.line("order.cancelled", order_id=order)

    def order_stuck(self):
        order = self.live.carried(channel="delegated")
        self.services.rewrite(f"update campus.orders set picked_up_at = now() - interval '3 hours' where id = '{order}'")

    def positions_silent(self):
        for _ in range(3):
            order = self.live.carried(channel="delegated")
            position = {"lat": 31.0, "lng": 121.0, "at": stamp(datetime.datetime.now(datetime.timezone.utc))}
            self.live.ask("POST", "order", f"/v1/orders/{order}/positions", {"positions": [position]}, actor="rider:rid_1")
            self.services.rewrite(
                f"update campus.order_position set at = now() - interval '11 minutes' where order_id = '{order}'"
            )

    def order_silence(self):
        # A campus of its own, which had its lunch a week ago. Ids begin with the time in milliseconds.
        quiet = Campus(self.services, "alerts-quiet")
        for _ in range(10):
            quiet.order(channel="delegated")
        self.services.rewrite(
            f"""
            update campus.orders o set id = (
                substr(lpad(to_hex((extract(epoch from now() - interval '7 days 10 minutes') * 1000)::bigint), 12, '0'), 1, 12)
                || substr(replace(o.id::text, '-', ''), 13)
            )::uuid
            where o.campus_id = '{quiet.id}'
            """
        )

    def decision_shift(self):
        # What is decided today, the lunch included, is nothing but refusals by and by.
        self.test.advance(1)
        for number in range(20):
            customer = f"stu_refused_{number}"
            case = self.test.case(self.test.accepted(customer=customer), "quality", customer)
            refusal = {"verdict": "rejected", "reasons": [{"zh-CN": "证据不足", "en": "No evidence"}]}
            self.test.ask("POST", "after_sales", f"/v1/desk/cases/{case}/claim", {}, actor="agent:kf_1")
            self.test.ask("POST", "after_sales", f"/v1/desk/cases/{case}/decide", refusal, actor="agent:kf_1")

    # Integration.

    def webhook_disabled(self):
        class Gone(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.send_response(410)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gone)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.open.callback(server.shutdown)
        endpoint = {"url": f"http://127.0.0.1:{server.server_port}/hook", "event_types": ["order.*"]}
        self.live.ask("POST", "notify", "/v1/webhook-endpoints", endpoint)
        self.live.order(channel="delegated")
        self.services.line("webhook.endpoint_gone")

    def key_expiring(self):
        self.services.operate("key", "issue", "--campus", "alerts-live", "--name", "ending", "--days", "7")

    def key_set_stale(self):
        nowhere = ["--url", "http://127.0.0.1:9/jwks", "--allow-loopback"]
        self.services.operate("verification-key", "import-jwks", "--campus", "alerts-live", *nowhere)
        self.services.line("key_set.failed")
        self.services.sql("update campus.key_set set created_at = now() - interval '2 hours', due_at = now()")

    def personal_data_exported(self):
        self.test.ask("GET", "after_sales", "/v1/parties/customer/stu_1/export")

    # Soon over: the last before what holds everything up.

    def case_sla_due_soon(self):
        case = self.capped.case(self.capped.accepted(customer="stu_hurries"), "quality", "stu_hurries")
        due = self.capped.ask("GET", "after_sales", f"/v1/cases/{case}")
        assert due["status"] == "in_review", due["status"]
        self.capped.advance(8 * 60)

    # The event log.

    def task_dead(self):
        endpoint = {"url": "http://127.0.0.1:9/nobody", "event_types": ["order.placed"]}
        self.test.ask("POST", "notify", "/v1/webhook-endpoints", endpoint)
        self.test.order(paid=False)
        self.services.line("webhook.failed")
        # One more attempt, at once.
        self.services.rewrite(
            """
            update campus.notifications_task set max_attempts = attempt + 1, run_at = now();
            update campus.notifications_lane set ready_at = now()
            """
        )
        self.services.line("task.dead", queue="webhook")

    def event_parked(self):
        # An event that says nothing of its order.
        self.services.sql(
            f"""
            insert into campus.orders_event
                (campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, payload)
            values ('{self.live.id}', 'order.placed', gen_random_uuid(), 1, gen_random_uuid(), 'system:x', now(), '{{}}')
            """
        )
        self.services.line("consumer.parked", event_type="order.placed")

    def partition_missing(self):
        tomorrow = self.services.sql("select 'notifications_event_' || to_char(timezone('UTC', now())::date + 1, 'YYYYMMDD')")
        self.services.sql(f"drop table campus.{tomorrow}")
        self.open.enter_context(self.services.held("lock table campus.notifications_event in share update exclusive mode"))

    def consumer_lag(self):
        # A group that was there and is no more, with ten minutes of events before it.
        self.services.sql(
            """
            insert into campus.orders_cursor (consumer, shard, streams, tick)
            select 'forgotten', 0, array['orders'], min(tick) from campus.tick
            """
        )
        self.services.rewrite("update campus.tick set recorded_at = recorded_at - interval '10 minutes'")

    def ticker_stalled(self):
        self.open.enter_context(self.services.held("select pg_advisory_xact_lock(7301)"))
        self.live.order(channel="delegated")
        self.services.rewrite(
            """
            update campus.orders_event set recorded_at = recorded_at - interval '3 seconds'
            where id = (select max(id) from campus.orders_event)
            """
        )
