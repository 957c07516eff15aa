"""The shipped proxy file, in a real nginx, makes one origin of the three services.

Every operation of the merged OpenAPI reaches its owner, each problem's `type` leads to its page, a path that no service has is refused as they
refuse, and a stream arrives as it is written.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import httpx
from httpx_sse import connect_sse

ROOT = pathlib.Path(__file__).resolve().parents[2]
UPSTREAMS = {"order": "order_service", "after_sales": "after_sales_service", "notify": "notify_service"}


@contextlib.contextmanager
def proxy(urls, folder):
    """The shipped file between a free port and these services; yields its origin."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    upstreams = "".join(
        f"upstream {UPSTREAMS[service]} {{ server {url.removeprefix('http://')} max_fails=0; keepalive 64; }}\n"
        for service, url in urls.items()
    )
    (folder / "upstreams.conf").write_text(upstreams, encoding="utf-8")
    text = (ROOT / "deploy/proxy/nginx.conf").read_text(encoding="utf-8")
    # Only where things are differs from how it is shipped.
    for shipped, here in (
        ("/tmp/", f"{folder}/"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("/etc/nginx/upstreams.conf", str(folder / "upstreams.conf")),
        ("/dev/stdout", str(folder / "access.log")),
        ("/dev/stderr", str(folder / "error.log")),
    ):
        if shipped not in text:
            raise SystemExit(f"nginx.conf no longer says {shipped}")
        text = text.replace(shipped, here)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = [
        shutil.which("nginx") or "/usr/sbin/nginx",
        "-p",
        folder,
        "-c",
        folder / "nginx.conf",
        "-e",
        folder / "error.log",
        "-g",
        "daemon off;",
    ]
    server = subprocess.Popen(command)
    origin = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{origin}/proxy/health").text == "ok\n":
                    break
            if time.monotonic() > deadline or server.poll() is not None:
                raise SystemExit((folder / "error.log").read_text(encoding="utf-8")[-2000:])
            time.sleep(0.05)
        yield origin
    finally:
        server.terminate()
        server.wait(10)


def faults_of_paths(origin, urls, merged):
    """Yields operations that somebody else answers, known by what each service alone knows of a path."""
    for path, item in merged["paths"].items():
        if not path.startswith("/v1/"):
            continue
        example = re.sub(r"{\w+}", "01957e00-0000-7000-8000-000000000001", path)
        # PATCH is no method of any: the owner answers 405 with its methods, others that there is no such path.
        answer = httpx.patch(origin + example)
        allowed = {method.strip().lower() for method in answer.headers.get("allow", "").split(",")}
        if answer.status_code != 405 or not set(item) <= allowed:
            yield f"{path} answers {answer.status_code} {sorted(allowed)}"
    for service, url in urls.items():
        prefix = f"{origin}/{service.replace('_', '-')}"
        if httpx.get(f"{prefix}/openapi.json").json() != httpx.get(f"{url}/openapi.json").json():
            yield f"{prefix}/openapi.json is not that of {service}"
        if httpx.get(f"{prefix}/health/ready").status_code != 200:
            yield f"{prefix}/health/ready is not ready"


def faults_of_unknown_paths(origin, urls):
    """Yields what tells the proxy's own refusal of a path from a service's."""
    for path in ("/openapi.json", "/v1/never-heard-of", "/"):
        ours, theirs = httpx.get(origin + path), httpx.get(f"{urls['order']}/v1/never-heard-of")
        problem = ours.json()
        if ours.status_code != 404 or ours.headers["content-type"] != theirs.headers["content-type"]:
            yield f"{path} answers {ours.status_code} {ours.headers['content-type']}"
        if {**problem, "detail": "", "request_id": ""} != {**theirs.json(), "detail": "", "request_id": ""}:
            yield f"{path} is refused with {problem}"
        if problem["request_id"] != ours.headers["x-request-id"]:
            yield f"{path} names the request {problem['request_id']} and {ours.headers['x-request-id']}"
    answer = httpx.get(f"{origin}/v1/orders")
    if len(answer.headers.get_list("x-request-id")) != 1:
        yield "an answer of a service has a second X-Request-Id"


def faults_of_problems(origin, merged):
    """Yields kinds of problems whose page the origin does not have."""
    codes = next(p for p in merged["paths"]["/problems/{code}"]["get"]["parameters"] if p["name"] == "code")["schema"]["enum"]
    for code in codes:
        page = httpx.get(f"{origin}/problems/{code}")
        if page.status_code != 200 or f"`{code}`" not in page.text:
            yield f"/problems/{code} answers {page.status_code}"
    if httpx.get(f"{origin}/problems/never-heard-of").status_code not in (404, 422):
        yield "a problem that there is not has a page"
    refused = httpx.get(f"{origin}/v1/orders").json()
    if httpx.get(origin + refused["type"]).status_code != 200:
        yield f"the type of a real problem, {refused['type']}, leads nowhere"


def faults_of_stream(origin, key):
    """Yields what is wrong with a stream through the proxy: its first words must not wait for more."""
    headers = {"authorization": f"Bearer {key}", "x-actor": "customer:stu_proxy"}
    started = time.monotonic()
    with httpx.Client(timeout=10) as client, connect_sse(client, "GET", f"{origin}/v1/stream", headers=headers) as source:
        if source.response.status_code != 200 or not next(source.response.iter_raw(), b""):
            yield f"the stream answers {source.response.status_code}"
    if time.monotonic() - started > 5:
        yield "a stream is held back"


def main():
    credentials_file = pathlib.Path(os.environ["CREDENTIALS"])
    credentials = json.loads(credentials_file.read_text(encoding="utf-8"))
    urls = credentials["urls"]
    merged = json.loads((ROOT / "docs/integrate/openapi.json").read_text(encoding="utf-8"))
    with proxy(urls, credentials_file.parent / "proxy") as origin:
        faults = [
            *faults_of_paths(origin, urls, merged),
            *faults_of_unknown_paths(origin, urls),
            *faults_of_problems(origin, merged),
            *faults_of_stream(origin, credentials["platform_key"]),
        ]
    for fault in faults:
        print(f"  {fault}")
    print(f"one origin: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
