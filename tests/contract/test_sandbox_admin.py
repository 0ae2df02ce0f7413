"""What a test may ask of the sandbox: clock, faults, statistics, truth, exports; and its command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT, Sandbox


@pytest.fixture
def moved(fresh_sandbox) -> Sandbox:
    """A company whose clock the test moves."""
    return fresh_sandbox(seed=4, size=60)


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    served = Sandbox(seed=4, size=60)
    yield served
    served.close()


@pytest.fixture
def own(served: Sandbox) -> Iterator[Sandbox]:
    """A company that stays at its opening; faults do not outlive a test."""
    yield served
    served.clear_faults()


@pytest.fixture
def session(own):
    with requests.Session() as session:
        session.trust_env = False
        form = {
            "grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-secret",
            "refresh_token": "sandbox-refresh-token-0123456789abcdef0123456789",
        }  # fmt: skip
        token = session.post(f"{own.url}/oauth/v2/token", data=form, timeout=10).json()["access_token"]
        session.headers["Authorization"] = f"Zoho-oauthtoken {token}"
        yield session


def _deals(own: Sandbox, session: requests.Session, timeout: float = 10) -> requests.Response:
    return session.get(f"{own.url}/crm/v8/Deals", params={"fields": "Stage,Amount"}, timeout=timeout)


def test_the_clock_moves_only_when_asked_and_the_past_stays_as_it_was(moved):
    assert moved.clock() == moved.clock() == "2026-06-30T18:00:00+08:00"
    before = moved.truth("zoho", "deals")["records"]
    assert moved.advance(3) > 0
    assert moved.clock() == "2026-07-03T18:00:00+08:00"
    answered = requests.get(f"{moved.url}/__sandbox__/clock", timeout=10)
    assert answered.headers["Date"] == "Fri, 03 Jul 2026 10:00:00 GMT", "a CRM's replies carry its own time"
    assert moved.truth("zoho", "deals", "2026-06-30T18:00:00+08:00")["records"] == before
    assert moved.truth("zoho", "deals")["records"] != before
    for days in (0, -1, 1.5, "2"):
        with pytest.raises(ValueError, match="whole number"):
            moved.advance(days)


def test_the_truth_answers_stream_names_and_names_what_it_knows(own):
    by_stream = own.truth("fxiaoke", "new_opportunity_obj")["records"]
    assert by_stream
    assert by_stream == own.truth("fxiaoke", "deals")["records"]
    with pytest.raises(ValueError, match="zoho/accounts"):
        own.truth("zoho", "wonders")


def test_the_summary_agrees_with_the_records(own):
    records = own.truth("zoho", "deals")["records"].values()
    won = [deal for deal in records if deal["Stage"] == "Closed Won"]
    found = own.summary()["zoho"]
    assert found["won"] == len(won)
    assert found["won_amount"] == f"{sum(deal['Amount'] for deal in won):.2f}"
    assert found["deals"] == len(records) == found["won"] + found["lost"] + found["open"]


def test_the_statistics_count_calls_and_rows_by_path(own, session):
    own.stats(reset=True)
    _deals(own, session)
    _deals(own, session)
    session.get(f"{own.url}/crm/v8/Deals", timeout=10)
    found = own.stats(reset=True)
    assert found["calls"] == {"/crm/v8/Deals": 3}
    assert found["rows"] == {"/crm/v8/Deals": 2 * len(own.truth("zoho", "deals")["records"])}
    assert found["statuses"] == {"200": 2, "400": 1}
    assert own.stats()["total"] == 0


def test_a_fault_hits_so_many_answers_of_its_path_and_no_more(own, session):
    own.fault("http_500", times=2, skip=1, path="/crm/v8/Deals")
    assert session.get(f"{own.url}/crm/v8/org", timeout=10).status_code == 200
    assert [_deals(own, session).status_code for _ in range(4)] == [200, 500, 500, 200]
    for kind, status, code in (
        ("429", 429, "TOO_MANY_REQUESTS"),
        ("scope_mismatch", 401, "OAUTH_SCOPE_MISMATCH"),
        ("no_permission", 403, "NO_PERMISSION"),
    ):
        own.fault(kind)
        answer = session.get(f"{own.url}/crm/v8/org", timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    with pytest.raises(ValueError, match="earthquake"):
        own.fault("earthquake")
    with pytest.raises(ValueError, match="a fault takes"):
        own.fault("429", colour="red")


def test_a_truncated_answer_ends_before_its_length(own, session):
    own.fault("truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _deals(own, session)
    assert _deals(own, session).status_code == 200


def test_other_spoiled_answers(own, session):
    own.fault("truncated_json")
    with pytest.raises(json.JSONDecodeError):
        _deals(own, session).json()
    own.fault("html")
    answer = _deals(own, session)
    assert answer.headers["Content-Type"].startswith("text/html")
    own.fault("count_lie")
    body = _deals(own, session).json()
    assert body["info"]["count"] == len(body["data"]) + 1
    own.fault("slow", seconds=0.6)
    with pytest.raises(requests.exceptions.ReadTimeout):
        _deals(own, session, timeout=0.2)


def test_token_faults(own, session):
    own.fault("token_revoked")
    assert _deals(own, session).json()["code"] == "INVALID_TOKEN"
    assert _deals(own, session).json()["code"] == "INVALID_TOKEN"  # it stays revoked
    url = f"{own.url}/oauth/v2/token"
    own.fault("refresh_revoked", path="/oauth/v2/token")
    assert session.post(url, timeout=10).json() == {"error": "invalid_code"}
    own.fault("token_throttled", path="/oauth/v2/token")
    assert session.post(url, timeout=10).json()["error"] == "Access Denied"
    own.fault("http_500", times=5)
    own.clear_faults()
    assert own.stats()["faults_left"] == 0


def test_exports_over_http_are_those_of_the_command_line(own, tmp_path):
    served = own.exports(tmp_path / "served")
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "exports",
        str(tmp_path / "cli"),
        "--seed",
        "4",
        "--size",
        "60",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert [p.name for p in served] == [
        f"{name}对象导出结果_20260630180000.xlsx"
        for name in ("商机", "客户", "联系人", "销售线索", "产品", "人员")
    ]
    for path in served:
        assert path.read_bytes() == (tmp_path / "cli" / path.name).read_bytes()
    with pytest.raises(ValueError, match="not in the future"):
        own.exports(tmp_path, at="2030-01-01T00:00:00")
    with pytest.raises(ValueError, match="format is one of"):
        own.exports(tmp_path, format="pdf")


def _serve(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", "serve", "--size", "60", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_restarted_sandbox_goes_on_where_it_stood(tmp_path: Path):
    state = tmp_path / "state.json"
    for clock in ("2026-07-02T18:00:00+08:00", "2026-07-04T18:00:00+08:00"):
        with _serve("--state", str(state)) as process:
            url = process.stdout.readline().removeprefix("sandbox ready on ").strip()
            advance = [sys.executable, "-m", "sandbox", "advance", "--days", "2", "--url", url]
            said = subprocess.run(advance, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            assert said.strip().endswith(f"the clock stands at {clock}")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert process.stderr.read() == ""
    with _serve("--state", str(state), "--seed", "9") as process:
        assert process.wait(20) == 1
        assert "belongs to seed 1, size 60" in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["serve", "--size", "huge"], 1, "size 'huge' is neither small, medium, large nor a number of deals"),
        (["serve", "--clock", "noon"], 1, "noon"),
        (["serve", "--port", "x"], 2, "invalid int value"),
        (["advance", "--days", "1"], 2, "--url"),
        (["advance", "--url", "http://127.0.0.1:9"], 1, "no sandbox answers at http://127.0.0.1:9"),
        ([], 2, "COMMAND"),
    ],
)
def test_wrong_use_is_one_sentence_and_a_code(arguments, code, sentence):
    command = [sys.executable, "-m", "sandbox", *arguments]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ})
    assert found.returncode == code
    assert sentence in found.stderr
    assert "Traceback" not in found.stderr
