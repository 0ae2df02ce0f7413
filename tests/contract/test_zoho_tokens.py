"""Ten access tokens in ten minutes: the sandbox's lock-out, and one token for all processes of a machine.

https://www.zoho.com/accounts/protocol/oauth/limitations.html; the body is that of Zoho's Kaizen post 43.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import ROOT, Sandbox
from tests.contract.zoho_client import Client

TOKEN = "/oauth/v2/token"
# A process that says when it is ready, waits for the others, and reads the organisation or says why not.
READER = """
import sys
from pathlib import Path
from connectors import discover
from connectors.core.contract import CursorKind, SourceContext, Window
from connectors.core.errors import Problem

folder, url = Path(sys.argv[1]), sys.argv[2]
values = dict(ZOHO_CLIENT_ID="sandbox-client", ZOHO_CLIENT_SECRET="sandbox-secret", ZOHO_ACCOUNTS_URL=url,
              ZOHO_REFRESH_TOKEN="sandbox-refresh-token-0123456789abcdef0123456789", ZOHO_API_URL=url)
with discover()["zoho"].open(SourceContext("default", values, folder, folder / "cache", allow_loopback=True)) as zoho:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        users = next(s for s in zoho.streams() if s.name == "users")
        print(sum(page.rows for page in zoho.read(users, Window(CursorKind.INCREMENTAL))))
    except Problem as problem:
        print(problem)
"""


@pytest.fixture
def own(fresh_sandbox) -> Iterator[tuple[Sandbox, Client]]:
    """A company, and a client that took the first token."""
    served = fresh_sandbox(seed=21, size=50)
    client = Client(served.url)
    yield served, client
    client.session.close()


def read_at_once(served: Sandbox, folder: Path, processes: int) -> list[str]:
    """What processes say that share a cache and start together."""
    command = [sys.executable, "-c", READER, str(folder), served.url]
    readers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for reader in readers:
        assert reader.stdout.readline() == "ready\n"
    for reader in readers:
        reader.stdin.write("\n")
        reader.stdin.flush()
    return [reader.communicate(timeout=60)[0].strip() for reader in readers]


def test_the_eleventh_token_is_refused_for_the_rest_of_the_ten_minutes(own):
    served, client = own
    denied = {
        "error": "Access Denied",
        "error_description": "You have made too many requests continuously. Please try again after some time.",
    }
    served.step(300)
    assert all("access_token" in client.token() for _ in range(9))
    assert client.token() == denied
    served.step(299)
    assert client.token() == denied
    assert client.get("org").status_code == 200, "the tokens there are stay good"
    served.step(1)
    assert all("access_token" in client.token() for _ in range(10))
    assert client.token() == denied


def test_refused_credentials_take_no_token(own):
    _, client = own
    for _ in range(20):
        assert client.token(client_secret="x") == {"error": "invalid_client_secret"}
    assert "access_token" in client.token()


def test_four_processes_that_start_at_once_ask_for_one_token(own, tmp_path):
    served, _ = own
    served.stats(reset=True)
    served.fault("slow", path=TOKEN, seconds=1.0)  # all of them are waiting when it comes
    said = read_at_once(served, tmp_path, 4)
    users = len(served.truth("zoho", "users")["records"])
    assert said == [str(users)] * 4
    assert served.stats()["calls"][TOKEN] == 1


def test_a_locked_out_machine_asks_once_and_says_when_it_goes_on(own, tmp_path):
    served, client = own
    for _ in range(9):
        client.token()
    served.stats(reset=True)
    earliest = datetime.now(UTC) + timedelta(minutes=10)
    said = read_at_once(served, tmp_path, 4)
    latest = datetime.now(UTC) + timedelta(minutes=11)
    assert served.stats()["calls"] == {TOKEN: 1}
    for sentence in said:
        head, when = sentence.removesuffix(" UTC.").split(" and run again after ")
        assert head.startswith("zoho: Zoho gives out no more access tokens for now")
        moment = datetime.strptime(f"{when} +0000", "%Y-%m-%d %H:%M %z")
        assert earliest <= moment <= latest
    assert len(set(said)) == 1
