"""Every module of the served company, also those that nobody declared, against its truth; and the troubled ones."""

from __future__ import annotations

import shutil

import pytest

from pipelines import flow
from pipelines.doctor import examine
from pipelines.outcome import Status
from tests.contract.zoho_truth import ZohoTruth
from tests.pipeline.test_sync_truth import Synced, _differences, synced

__all__ = ["synced"]  # the fixture

EXTRAS = (
    "quotes", "quoted_items", "site_visits", "equipment", "equipment_x_contacts", "notes", "lead_status_history",
)  # fmt: skip
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core has its own test, and rules, which take long to load."""
    monkeypatch.setenv("ZOHO_MODULES", ",".join(EXTRAS))


def assert_equal(home: Synced, streams: tuple[str, ...]) -> None:
    truth, gone = ZohoTruth(home.sandbox), home._gone()
    for stream in streams:
        expected, got = truth.records(stream), home.rows(stream)
        assert expected, stream
        assert got.keys() == expected.keys(), stream
        for key, record in expected.items():
            many = {name for name in record if str(got[key].get(name)).startswith("{")}  # into any module
            many -= {name for name in many if isinstance(got[key][name], dict)}
            assert all(f'"id":"{record[name]}"' in got[key][name] for name in many), f"{stream} {key}"
            plain = {
                name for name in record if name in got[key] and not isinstance(record[name], dict | list)
            }
            compared = plain - many
            assert _differences(record, got[key], compared, gone) == {}, f"{stream} {key}"


def test_everything_in_the_organisation_arrives_and_an_unstamped_edit_is_seen(synced: Synced):
    synced.sandbox.set(extras=True, sparse=["Equipment"])
    report = synced.sync()
    assert report.sentences() == []
    assert_equal(synced, EXTRAS)
    assert len(next(iter(synced.rows("equipment").values()))) >= 119, "field chunks beyond the fiftieth"
    tags = {key.split(".")[0]: row["name"] for key, row in synced.rows("tags").items()}
    assert tags == {"Site_Visits": "已验收"}, "the core is not read here, and lines have none"
    before = {key: row["Result"] for key, row in synced.rows("site_visits").items()}
    synced.sandbox.advance(15)
    assert synced.sync().sentences() == []
    assert_equal(synced, ("site_visits", "notes"))  # of lines and links no list tells what is gone
    after = {key: row["Result"] for key, row in synced.rows("site_visits").items() if key in before}
    assert any(before[key] != result for key, result in after.items()), (
        "no visit was edited: this proves nothing"
    )


def test_modules_in_trouble_are_named_and_the_others_go_on(synced: Synced):
    synced.sandbox.set(extras=True, denied=["Notes"], off=["Site_Visits"], no_fields=["Equipment_X_Contacts"])
    report = synced.sync()
    status = {outcome.stream: outcome.status for outcome in report.outcomes}
    assert {name: status[name] for name in EXTRAS} == {
        "quotes": Status.LOADED,
        "quoted_items": Status.LOADED,
        "site_visits": Status.UNCHANGED,
        "equipment": Status.LOADED,
        "equipment_x_contacts": Status.FAILED,
        "notes": Status.FAILED,
        "lead_status_history": Status.LOADED,
    }
    said = report.sentences()
    assert len(said) == 2
    assert any("view Notes" in s and "ZOHO_MODULES_EXCEPT=Notes" in s for s in said)
    assert any("no field of the module Equipment_X_Contacts" in s for s in said)
    assert_equal(synced, ("quotes", "quoted_items", "equipment", "lead_status_history"))
    with flow.lock(synced.settings, "test"):
        pass  # the doctor asks for the lock
    bad = [finding.sentence for finding in examine(["zoho"]) if not finding.ok]
    assert sorted(bad) == sorted(said)


def test_the_doctor_names_the_scopes_that_are_missing(synced: Synced):
    have = ["ZohoCRM.modules.ALL", "ZohoCRM.settings.READ", "ZohoCRM.users.READ", "ZohoCRM.org.READ"]
    for told in (False, True):  # the second home has no token yet
        synced.sandbox.set(extras=True, scopes=have, scope_told=told)
        findings = examine(["zoho"])
        bad = [finding.sentence for finding in findings if not finding.ok]
        assert len(bad) == 1
        assert "lacks the scope ZohoCRM.bulk.READ, ZohoCRM.coql.READ" in bad[0]
        assert any("may also change the CRM" in finding.sentence for finding in findings) is told
        shutil.rmtree(synced.settings.home / "cache")


def test_rich_texts_are_whole_where_zoho_gives_them(synced: Synced):
    lengths = []
    for given in (True, False):
        synced.sandbox.set(extras=True, rich_texts=given)
        assert synced.sync(streams=["quotes"], full=True).ok
        lengths.append(max(len(row["Cover_Letter"] or "") for row in synced.rows("quotes").values()))
        if given:
            assert_equal(synced, ("quotes",))
    assert lengths[0] > 500
