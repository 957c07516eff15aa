"""How the platform hears: webhooks wake it, and some it loses; the feed is the truth."""

import asyncio
import http.server
import threading

from standardwebhooks import Webhook


class Receiver:
    """Takes webhooks as the official library verifies them. Of ten, it loses one after it said thanks, and refuses another once."""

    def __init__(self, loop, handle):
        self._loop, self._handle = loop, handle
        self.secret = None
        self.delivered, self.lost, self._refused = set(), set(), set()
        self.forged = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(receiver._take(body, dict(self.headers)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/campus"

    def close(self):
        self._server.shutdown()

    def _take(self, body, headers):
        try:
            event = Webhook(self.secret).verify(body, headers)
        except Exception as error:  # whatever the library throws is a finding
            self.forged.append(error)
            return 400
        name = headers.get("webhook-id") or headers.get("Webhook-Id")
        number = int(name.split("_")[1])
        if number % 10 == 3 and name not in self._refused:
            self._refused.add(name)
            return 500
        self.delivered.add(name)
        if number % 10 == 7:
            self.lost.add(name)
        else:
            self._loop.call_soon_threadsafe(self._handle, name, event)
        return 204


class Feed:
    """Reads on from where it was, whatever happened in between."""

    def __init__(self, gateway, handle):
        self._gateway, self._handle = gateway, handle
        self._cursor = None
        self.read = []

    async def begin(self):
        self._cursor = (await self._gateway.get("notify", "/v1/events", after="latest"))["cursor"]

    async def catch_up(self, wait_s=0):
        """Takes in all that is there; says how much that was."""
        count = 0
        while True:
            page = await self._gateway.get("notify", "/v1/events", after=self._cursor, limit=100, wait_s=wait_s)
            for event in page["items"]:
                count += 1
                self.read.append(event)
                self._handle(event["id"], event)
            self._cursor = page["cursor"]
            if not page["has_more"]:
                return count

    async def follow(self, until, patience_s=120):
        """Reads until a condition holds."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while not until():
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError("what was waited for did not come")
            await self.catch_up(wait_s=1)
