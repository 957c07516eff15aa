"""How the platform speaks to the services: its key, one `Idempotency-Key` for each intention, patience with whatever passes."""

import asyncio
import uuid

import httpx

PATIENCE_S = 60


class Refused(Exception):
    """An answer that stands: it will not get better by asking again."""

    def __init__(self, answer):
        self.status, self.problem = answer.status_code, answer.json()
        super().__init__(f"{answer.request.method} {answer.request.url}: {self.status} {self.problem}")


class Gateway:
    """Calls by the documents. Whatever is lost on the way is asked again under the same key."""

    def __init__(self, urls, key):
        self._urls = urls
        self._client = httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=40)
        self.repeats = 0

    async def close(self):
        await self._client.aclose()

    async def get(self, service, path, actor=None, **query):
        answer = await self._send(service, "GET", path, actor, {}, params=query)
        return answer.json()

    async def download(self, service, path, **query):
        return await self._send(service, "GET", path, None, {}, params=query)

    async def post(self, service, path, body=None, actor=None, key=None):
        headers = {"idempotency-key": key or uuid.uuid4().hex}
        return (await self._send(service, "POST", path, actor, headers, json=body or {})).json()

    async def _send(self, service, method, path, actor, headers, **content):
        if actor:
            headers["x-actor"] = actor
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                answer = await self._client.request(method, self._urls[service] + path, headers=headers, **content)
                if not _passes(answer):
                    if answer.is_success:
                        return answer
                    raise Refused(answer)
                wait = float(answer.headers.get("retry-after", 0.2))
            except httpx.TransportError:
                wait = 0.2
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"{method} {path}")
            self.repeats += 1
            await asyncio.sleep(min(wait, 2))


def _passes(answer):
    """Whether the same request may be answered otherwise in a moment."""
    if answer.status_code in (429, 502, 503, 504):
        return True
    return answer.status_code == 409 and (
        answer.json()["code"] == "idempotency-in-flight" or "retry-after" in answer.headers
    )
