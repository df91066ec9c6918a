#!/usr/bin/env python3
"""What a real SMTP server is handed when somebody signs up.

    .ci/smtp.py target/debug/cape-api

Starts aiosmtpd and the program, each on a free port of this machine. Needs the package `aiosmtpd`
and nothing else beside the standard library.
"""

import contextlib
import email
import email.policy
import json
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import aiosmtpd
from aiosmtpd.controller import Controller

PATIENCE = 60
ADDRESS = "ada.lovelace@example.com"
PASSWORD = "nine purple trams in March"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Inbox:
    """Takes every mail, and keeps it with its envelope."""

    def __init__(self):
        self.arrived = queue.Queue()

    async def handle_DATA(self, server, session, envelope):
        self.arrived.put(envelope)
        return "250 OK"

    def next(self):
        """The envelope of the next mail, and what is in it."""
        envelope = self.arrived.get(timeout=PATIENCE)
        return envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)


class Server(Controller):
    """A server on any free port: the controller wants to know it beforehand."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def mail_server():
    """Where mails are taken, and where they are kept."""
    inbox = Inbox()
    server = Server(inbox, hostname="127.0.0.1", port=0)
    server.start()
    try:
        yield server.port, inbox
    finally:
        server.stop()


@contextlib.contextmanager
def platform(binary, directory, smtp_port):
    """The address of a platform that runs until the block ends, and the file that it logs to."""
    log = pathlib.Path(directory, "log")
    with log.open("w") as errors:
        process = subprocess.Popen(
            [binary],
            cwd=directory,
            env={
                "PORT": "0",
                "CAPE_SANDBOX__PORT": "0",
                "CAPE_TELEMETRY__LOG": "debug",
                "CAPE_MAIL__FROM": "Cape <no-reply@example.com>",
                "SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            name, _, address = line.strip().partition(" ")
            if name == "address":
                break
        else:
            sys.exit(f"the program ended before it was ready: {log.read_text()}")
        yield address.strip(), log
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, f"it ended with {process.returncode}"
        with log.open("a") as everything:
            everything.write("".join(said) + rest)
    finally:
        process.kill()
        process.wait()


def post(address, path, body, expected):
    request = urllib.request.Request(
        address + path,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with DIRECT.open(request, timeout=PATIENCE) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read()
    assert status == expected, (path, status, text)
    return json.loads(text) if text else None


def login(address):
    return post(address, "/api/auth/login", {"email": ADDRESS, "password": PASSWORD}, 200)


def the_mail_has_both_parts_and_goes_to_its_receiver_alone(envelope, mail):
    assert envelope.mail_from == "no-reply@example.com", envelope.mail_from
    assert envelope.rcpt_tos == [ADDRESS], envelope.rcpt_tos
    assert mail["subject"] == "Confirm your email address for CapeControl", mail["subject"]
    assert mail["from"].addresses[0].addr_spec == "no-reply@example.com", mail["from"]
    assert [to.addr_spec for to in mail["to"].addresses] == [ADDRESS], mail["to"]
    assert mail["date"] and mail["message-id"], mail.items()
    assert mail.get_content_type() == "multipart/alternative", mail.get_content_type()
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html"], kinds
    assert not mail.defects and all(not part.defects for part in mail.iter_parts())
    assert max(map(len, envelope.content.split(b"\r\n"))) <= 998, "a line is too long"


def link_and_code(mail, address):
    """The link's token and the six digits: the same in both parts."""
    told = set()
    for kind in ["plain", "html"]:
        content = mail.get_body(preferencelist=[kind]).get_content()
        content = content.replace("&amp;", "&").replace("&#x2f;", "/")
        links = set(re.findall(r"https?://[^\s\"<>]*[?&]token=[^\s\"<>]+", content))
        assert len(links) == 1, (kind, links, content)
        codes = set(re.findall(r"(?<![\w#.])\d{6}(?![\w.])", content))
        assert len(codes) == 1, (kind, codes, content)
        told.add((links.pop(), codes.pop()))
    assert len(told) == 1, told
    link, code = told.pop()
    assert link.startswith(f"{address}/api/auth/verify?"), link
    return link, code


def the_page_behind_the_link_burns_nothing(address, link):
    with DIRECT.open(link, timeout=PATIENCE) as page:
        assert page.status == 200 and "text/html" in page.headers["content-type"], page.headers
    assert login(address)["user"]["is_verified"] is False


def the_code_verifies_the_address_once(address, code):
    shown = {"email": ADDRESS, "code": code}
    post(address, "/api/auth/verify", shown, 204)
    assert login(address)["user"]["is_verified"] is True
    post(address, "/api/auth/verify", shown, 401)


def the_log_tells_neither_link_nor_code(log, link, code):
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["token"][0]
    secret = token.rpartition(".")[2]
    said = log.read_text()
    assert len(secret) >= 32 and secret not in said, "the secret of the link was logged"
    assert not re.search(rf"(?<![\w.]){code}(?![\w])", said), "the code was logged"
    assert PASSWORD not in said, "the password was logged"
    assert "/api/auth/verify" in said, "nothing was logged at all"


def main():
    with tempfile.TemporaryDirectory() as directory, mail_server() as (port, inbox):
        binary = pathlib.Path(sys.argv[1]).resolve()
        with platform(binary, directory, port) as (address, log):
            who = {"email": ADDRESS, "password": PASSWORD}
            post(address, "/api/auth/register", who, 201)
            envelope, mail = inbox.next()
            link, code = link_and_code(mail, address)
            checks = [
                (the_mail_has_both_parts_and_goes_to_its_receiver_alone, (envelope, mail)),
                (the_page_behind_the_link_burns_nothing, (address, link)),
                (the_code_verifies_the_address_once, (address, code)),
            ]
            for check, arguments in checks:
                check(*arguments)
                print(f"aiosmtpd {aiosmtpd.__version__}: {check.__name__}", flush=True)
            _, welcome = inbox.next()
            while welcome["subject"].startswith("A new sign-in"):
                _, welcome = inbox.next()
            assert welcome["subject"] == "Welcome to CapeControl", welcome["subject"]
        the_log_tells_neither_link_nor_code(log, link, code)
        print(f"aiosmtpd {aiosmtpd.__version__}: the_log_tells_neither_link_nor_code", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
