"""The operator's part: a database cluster, the three services, a campus with its key, and somebody who kills processes.

Nothing here is known to the platform but addresses and its key.
"""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import httpx

CAMPUS = "platform"
# Rules may pay whatever this day brings: the brake is judged elsewhere.
SETTINGS = {"brake_campus_10min_fen": 10**9, "brake_merchant_day_fen": 10**9, "brake_customer_day_fen": 10**9}


class Service:
    """One process, started again whenever it was killed."""

    def __init__(self, name, executable, port, environment, log):
        self.name, self.url = name, f"http://127.0.0.1:{port}"
        self._command = [executable, "serve"]
        self._environment = {**os.environ, "HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(port), **environment}
        self._log = log
        self._process = None
        self.kills = 0

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self):
        """As a machine fails: without a word. Another process takes its place at once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1
        self.start()

    def stop(self):
        """As a deployment stops it: it has ten seconds to leave by itself."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=12)

    def wait_until_ready(self, patience_s=60):
        deadline = time.monotonic() + patience_s
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health/ready").status_code == 200:
                    return
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self._process.returncode}; see {self._log}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready; see {self._log}")
            time.sleep(0.1)


class Deployment:
    """A cluster of its own and the three services on it, for as long as the context lasts."""

    def __init__(self, root, state, products, ports=(18281, 18282, 18283), postgres_port=54332):
        self._root, self._state, self._products = pathlib.Path(root), pathlib.Path(state), pathlib.Path(products)
        self._ports, self._postgres_port = ports, postgres_port
        self.services = []
        self.key = None

    @property
    def urls(self):
        return dict(zip(("order", "after_sales", "notify"), (service.url for service in self.services)))

    def __enter__(self):
        try:
            self._create_cluster()
            self._create_campus()
            self._start_services()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.exits = []
        for service in reversed(self.services):
            with contextlib.suppress(subprocess.TimeoutExpired, AttributeError):
                self.exits.append(service.stop())
        self._cluster("stop")

    def file(self, name):
        return self._state / name

    def command(self, product, *arguments, check=True):
        """Runs a command of the services as their operator does."""
        environment = {**os.environ, "MIGRATION_DATABASE_URL": self._url(), "LOG_LEVEL": "notice"}
        return subprocess.run(
            [self._products / product, *arguments], env=environment, capture_output=True, text=True, check=check
        )

    def _create_cluster(self):
        if (self._state / "postgres").exists():
            self._cluster("destroy")
        shutil.rmtree(self._state, ignore_errors=True)
        self._state.mkdir(parents=True)
        self._cluster("start", "--port", str(self._postgres_port))
        self._cluster("sql", "postgres", "create database campus")
        self.command("OrderService", "migrate")

    def _create_campus(self):
        self.command(
            "OrderService", "campus", "create", "--code", CAMPUS, "--name", "Platform campus", "--test",
            "--settings", json.dumps(SETTINGS),
        )
        self.key = self.command("OrderService", "key", "issue", "--campus", CAMPUS, "--name", "platform").stdout.strip()

    def _start_services(self):
        secret = base64.b64encode(os.urandom(32)).decode()
        notify = {"ALLOW_LOOPBACK_WEBHOOKS": "true", "NOTIFY_ENCRYPTION_KEY": secret, "CONTACT_KEYS": f"k1:{secret}"}
        for name, product, port, more in zip(
            ("order", "after_sales", "notify"),
            ("OrderService", "AfterSalesService", "NotifyService"),
            self._ports,
            ({}, {}, notify),
        ):
            environment = {"DATABASE_URL": self._url(f"{name}_service"), **more}
            log = self._state / f"{name}.log"
            self.services.append(Service(name, self._products / product, port, environment, log))
        for service in self.services:
            service.start()
        for service in self.services:
            service.wait_until_ready()

    def _url(self, role=None):
        return self._cluster("socket-url", "campus", *([role] if role else [])).strip()

    def _cluster(self, action, *arguments):
        script = [self._root / "deploy/local-cluster.sh", action, self._state / "postgres", *arguments]
        return subprocess.run(script, check=True, capture_output=True, text=True).stdout
