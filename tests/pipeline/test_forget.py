"""Forgetting a person: nothing of him is left under the home, and nothing else changed."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from connectors.core.contract import CursorKind, Page, Shape, SourceSpec, Stream, Window, parse_field
from connectors.core.errors import Problem
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.aside import faults
from pipelines.fold import rebuild
from pipelines.landing.intact import require_intact
from pipelines.landing.redaction import package as forget_package
from pipelines.landing.redaction.erased import list_path, read_list
from pipelines.landing.standing import read_standing
from pipelines.landing.zone import Package, Zone
from pipelines.manifest import ACCEPTED, QUARANTINED, THINNED, Thinned, file_entry, write_manifest
from pipelines.settings import Settings
from pipelines.upkeep import forget as forget_room
from pipelines.upkeep.forget import Forgotten, Record, erase, forget
from pipelines.upkeep.verify import audit
from tests.pipeline.scripted import DELETED, STREAM, Scripted, page

PEOPLE = Stream(
    source="scripted",
    name="people",
    api_name="People",
    label="联系人",
    docs="",
    stamp="Modified_Time",
    deletes=True,
    fields=(
        parse_field("id", "text"),
        parse_field("Full_Name", "text", pii=True),
        parse_field("Phone", "text", pii=True),
        parse_field("Title", "text"),
        parse_field("Age", "integer"),
        parse_field("Boss", "lookup"),
        parse_field("Modified_Time", "datetime"),
    ),
)
DEALS = replace(
    STREAM, fields=(*STREAM.fields, parse_field("Contact", "lookup"), parse_field("Notes", "json"))
)
RULES = """
grain: one row per record
owner: sales operations
rules:
  - name: {name}
    scope: row
    severity: quarantine
    expect: expect_column_value_lengths_to_be_between
    with: {{column: {column}, max_value: 25}}
    reason: The test says so.
"""
NAME, OLD_NAME, BAD_NAME = (
    "Zhuangsheng-Butterfly",
    "Zhuangzhou-Caterpillar",
    "Zhuangbad-Moth-Too-Long-For-The-Rule",
)
PHONE, MAIL, CUSTOM = "13800138777", "butterfly@dream.example", "dreams-of-being-a-man"
PLANTED = (NAME, OLD_NAME, BAD_NAME, PHONE, MAIL, CUSTOM)
MON, TUE, WED, THU = (f"2026-03-0{day}T10:00:00+08:00" for day in (2, 3, 4, 5))


class Crm(Scripted):
    """Two streams. answers: stream name → pages that the next reads give; gone: stream → its deleted list."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, list[Any]] = {}
        self.gone: dict[str, list[dict[str, Any]]] = {}

    def streams(self) -> Sequence[Stream]:
        return (PEOPLE, DEALS)

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        if kind is CursorKind.DELETED:
            return Shape("data", "id", "deleted_time", DELETED)
        extra = (parse_field("Custom", "text"), parse_field("Score", "integer")) if stream is PEOPLE else ()
        return Shape("data", "id", "Modified_Time", stream.fields + extra)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        known = self.gone if window.kind is CursorKind.DELETED else self.answers
        answers = known.get(stream.name, [])
        if window.kind is CursorKind.DELETED:
            answers = [answers] if answers else []
        for records in answers:
            yield page(records)


class Home:
    """A home with that CRM."""

    def __init__(self, folder: Path) -> None:
        self.crm = Crm()
        self.settings = Settings(home=folder / "home", _env_file=None)
        self.settings.prepare_home()
        self.spec = SourceSpec("scripted", "Scripted", (), lambda: (PEOPLE, DEALS), lambda context: self.crm)

    def sync(self, full: bool = False) -> None:
        with flow.lock(self.settings, "test"):
            report = flow.sync(self.settings, [(self.spec, "default")], full=full)
            flow.reported(self.settings, flow.RunReport(sync=report))
        assert report.ok, report.sentences()

    def erase(self, *records: Record) -> Forgotten:
        with flow.lock(self.settings, "test"):
            return erase(self.settings, self.spec, "default", records or (Record("people", "7"),), "case 12")

    def packages(self, stream: str) -> list[Package]:
        return Zone(self.settings.landing).stream("scripted", "default", stream).packages()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()

    def table(self, name: str, where: str = "true") -> list[tuple[Any, ...]]:
        return sorted(self.ask(f"SELECT * FROM {name} WHERE {where}"), key=repr)


def person(key: str, stamp: str, **values: Any) -> dict[str, Any]:
    return {"id": key, "Modified_Time": stamp, **values}


def seven(stamp: str, name: str, **more: Any) -> dict[str, Any]:
    facts = {"Full_Name": name, "Phone": PHONE, "Title": "Sage", "Custom": CUSTOM, "Secret": {"mail": MAIL}}
    return person("7", stamp, **(facts | more))


@pytest.fixture(scope="module")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a home with its rules, made once: `lived` is a copy of it."""
    folder = tmp_path_factory.mktemp("lived")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_room, "EXPECTATIONS", folder / "expectations")
        rules = folder / "expectations" / "scripted"
        rules.mkdir(parents=True)
        (rules / "people.yml").write_text(RULES.format(name="short", column="Full_Name"))
        (rules / "deals.yml").write_text(RULES.format(name="short", column="Name"))
        _live(Home(folder))
    return folder


@pytest.fixture
def lived(lived_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    shutil.copytree(lived_once, tmp_path / "copy")
    monkeypatch.setattr(sync_room, "EXPECTATIONS", tmp_path / "copy" / "expectations")
    return Home(tmp_path / "copy")


def _live(home: Home) -> None:
    """Number 7 came twice on Monday (one version superseded), changed on Tuesday, came unchanged, was bad on
    Wednesday (quarantined, with a value that fits no integer); a deal and another person speak of him."""
    him = {"id": "7", "name": NAME, "email": MAIL}
    other = person("8", MON, Full_Name="Hui Shi", Phone="555", Title="Friend", Boss=him)
    deal = {"id": "d1", "Modified_Time": MON, "Name": "fish", "Amount": 2.50, "Contact": him, "Notes": [him]}
    home.crm.answers = {
        "people": [[seven("2026-03-01T09:00:00+08:00", OLD_NAME), other], [seven(MON, OLD_NAME)]],
        "deals": [
            [deal, {"id": "d2", "Modified_Time": MON, "Name": "boat", "Contact": {"id": "8", "name": "H"}}]
        ],
    }
    home.sync()
    home.crm.answers = {
        "people": [[seven(TUE, NAME)]],
        "deals": [
            [deal | {"Modified_Time": TUE, "Name": "a name that is too long for the rule of the test"}]
        ],
    }
    home.sync()
    home.crm.answers = {"people": [[seven(TUE, NAME), person("9", TUE, Full_Name="Liezi")]], "deals": []}
    home.sync()
    home.crm.answers = {"people": [[seven(WED, BAD_NAME, Score=MAIL, Boss={"id": "7", "name": NAME})]]}
    home.crm.gone = {"people": [{"id": "9", "deleted_time": WED, "display_name": "Liezi"}]}
    home.sync()


def texts_under(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file of a home, as it lies there and as it reads: unpacked, and tables as rows."""
    for path in (p for p in home.rglob("*") if p.is_file() and "inbox" not in p.parts):
        raw = path.read_bytes()
        yield path, raw
        if path.name.endswith(".zst"):
            yield path, zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw)).read()
        elif path.suffix in (".xlsx", ".xlsb"):
            with zipfile.ZipFile(path) as archive:
                yield from ((path, archive.read(name)) for name in archive.namelist())
        elif path.suffix == ".parquet":
            with duckdb.connect() as con:
                yield path, repr(con.execute(f"SELECT * FROM '{path}'").fetchall()).encode()
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as con:
                names = con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
                for schema, table in names:
                    yield path, repr(con.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()).encode()


def holders(home: Home, words: Sequence[str] = PLANTED) -> set[str]:
    needles = [word.encode() for word in words]
    return {
        f"{path.name}: {needle.decode()}"
        for path, text in texts_under(home.settings.home)
        for needle in needles
        if needle in text
    }


def test_the_search_itself_finds_what_was_planted(lived: Home) -> None:
    assert {h.split(": ")[1] for h in holders(lived)} == set(PLANTED)


def test_nothing_of_the_person_is_left_in_any_byte(lived: Home) -> None:
    done = lived.erase()
    assert holders(lived) == set()
    assert done.packages == 6 and done.rebuilt == 7


def test_what_stays_of_the_record(lived: Home) -> None:
    lived.erase()
    rows = lived.ask(
        "SELECT Full_Name, Phone, Title, Custom, _extra, CAST(_modified_at AS VARCHAR) FROM raw_scripted.people "
        "WHERE _record_id = '7'"
    )
    assert rows == [(None, None, "Sage", None, None, "2026-03-03 02:00:00+00")]
    deals = lived.ask("SELECT Contact.id, Contact.name, Notes FROM raw_scripted.deals ORDER BY _record_id")
    assert deals == [("7", None, '[{"id":"7","name":null,"email":null}]'), ("8", "H", None)]
    assert lived.ask("SELECT Boss.id, Boss.name FROM raw_scripted.people WHERE _record_id='8'") == [
        ("7", None)
    ]


def test_everything_else_is_as_before(lived: Home) -> None:
    people = "_record_id NOT IN ('7', '8')"
    views = {
        "raw_scripted.people": people,
        "raw_scripted.people__history": people,
        "raw_scripted.deals": "_record_id <> 'd1'",
        "raw_scripted.deals__history": "_record_id <> 'd1'",
        "ops.packages": "true",
    }
    fates = (
        "SELECT _record_id, _package_id, _position, _modified_at, _read_at, _loaded_at, _deleted_at "
        "FROM raw_scripted.{0}__history ORDER BY ALL"
    )
    before = {name: lived.table(name, where) for name, where in views.items()}
    versions = {s: lived.ask(fates.format(s)) for s in ("people", "deals")}
    receipts = [p.receipt for s in ("people", "deals") for p in lived.packages(s)]
    assert len([v for v in versions["people"] if v[0] == "7"]) == 2
    lived.erase()
    assert {name: lived.table(name, where) for name, where in views.items()} == before
    assert {s: lived.ask(fates.format(s)) for s in ("people", "deals")} == versions
    assert [p.receipt for s in ("people", "deals") for p in lived.packages(s)] == receipts
    assert lived.ask("SELECT * FROM ops.conservation") == []


def test_another_rebuild_changes_nothing(lived: Home) -> None:
    lived.erase()
    names = [f"{s}.{t}" for s, t in lived.ask("SELECT schema_name, table_name FROM duckdb_tables()")]
    before = {name: lived.table(name) for name in names}
    with flow.lock(lived.settings, "test"):
        rebuild(lived.settings)
    assert {name: lived.table(name) for name in names} == before and len(names) > 5


def test_row_hashes_no_longer_tell_the_person_and_stay_equal_where_they_were(lived: Home) -> None:
    query = "SELECT _row_hash FROM raw_scripted.people__history WHERE _record_id = '7' ORDER BY _modified_at"
    before = [h for (h,) in lived.ask(query)]
    lived.erase()
    after = [h for (h,) in lived.ask(query)]
    assert len(set(after)) == len(set(before)) == 2 and not set(after) & set(before)
    assert read_list(lived.settings.landing, "scripted", "default", "people").find("7").salt == ""  # type: ignore[union-attr]


def test_manifests_name_the_redaction_and_the_original_bytes(lived: Home) -> None:
    first = lived.packages("people")[0]
    was = first.landed
    lived.erase()
    now = first.landed
    assert [(r.what, r.name, r.reason) for r in now.redactions] == [
        ("record", "7", "case 12"),
        ("reference", "7", "case 12"),
    ]
    assert now.originals == was.files and now.files != was.files
    assert (now.received, now.cursor_after, now.package) == (was.received, was.cursor_after, was.package)
    assert first.checked is not None and first.checked.redactions == now.redactions
    assert_whole(lived)


def test_a_package_that_says_nothing_of_the_person_is_not_touched(lived: Home) -> None:
    lived.crm.answers = {"deals": [[{"id": "d3", "Modified_Time": THU, "Name": "7"}]]}
    lived.sync()
    last = lived.packages("deals")[-1]
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in last.folder.iterdir()}
    lived.erase()
    assert {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in last.folder.iterdir()} == before


def test_the_person_does_not_come_back(lived: Home) -> None:
    lived.erase()
    him = {"id": "7", "name": NAME, "email": MAIL}
    lived.crm.answers = {
        "people": [[seven(THU, NAME), person("8", THU, Full_Name="Hui Shi", Boss=him)]],
        "deals": [[{"id": "d9", "Modified_Time": THU, "Contact": him}]],
    }
    lived.crm.gone = {"people": [{"id": "7", "deleted_time": THU, "display_name": NAME}]}
    lived.sync()
    assert holders(lived) == set()
    landed = [p for p in lived.packages("people") if p.kind == CursorKind.INCREMENTAL][-1].landed
    assert [(r.what, r.name) for r in landed.redactions] == [("record", "7"), ("reference", "7")]
    assert lived.ask("SELECT Title, Full_Name FROM raw_scripted.people WHERE _record_id='7'") == [
        ("Sage", None)
    ]


def test_what_was_set_aside_is_shown_masked_and_tells_nothing_of_an_erased_person(lived: Home) -> None:
    (waits,) = [p for p in lived.packages("people") if p.checked and p.checked.quarantined]
    assert [f.value for f in faults(lived.settings, waits.id)] == ["***"]
    assert [f.value for f in faults(lived.settings, waits.id, personal=True)] == [BAD_NAME]
    known = (
        "SELECT record_id, column_name, value FROM ops.set_aside s JOIN ops.packages p USING (package_id) "
    )
    known += "WHERE p.stream = 'people'"
    assert lived.ask(known) == [("7", "Full_Name", "***")]
    lived.erase()
    assert lived.ask(known) == []
    assert BAD_NAME not in repr(list(faults(lived.settings, waits.id, personal=True)))


def test_an_idle_sync_after_forgetting_is_idle(lived: Home) -> None:
    lived.crm.answers = {"people": [[seven(THU, NAME)]], "deals": [[{"id": "d1", "Modified_Time": THU,
        "Contact": {"id": "7", "name": NAME}}]]}  # fmt: skip
    lived.sync()
    lived.erase()
    count = len(lived.packages("people")) + len(lived.packages("deals"))
    lived.sync()  # the overlap brings the same records again
    assert len(lived.packages("people")) + len(lived.packages("deals")) == count


def test_a_full_read_makes_one_version_at_most_and_then_none(lived: Home) -> None:
    lived.erase()
    lived.crm.answers = {"people": [[seven(TUE, NAME)]]}
    versions = "SELECT count(*) FROM raw_scripted.people__history WHERE _record_id = '7'"
    counts = []
    for _ in range(3):
        lived.sync(full=True)
        counts += [n for (n,) in lived.ask(versions)]
    assert counts == [3, 3, 3]


def test_pages_that_wait_for_a_check_are_redacted_too(lived: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Problem("not now", do="wait")

    lived.crm.answers = {"people": [[seven(THU, NAME, Title="Dreamer")]]}
    with monkeypatch.context() as patch, pytest.raises(AssertionError):
        patch.setattr(sync_room, "check", refuse)
        lived.sync()
    lived.erase()
    assert holders(lived) == set()
    lived.crm.answers = {}
    lived.sync()
    assert lived.ask("SELECT Title, Full_Name FROM raw_scripted.people WHERE _record_id='7'") == [
        ("Dreamer", None)
    ]


def test_two_records_in_two_streams_at_once(lived: Home) -> None:
    lived.erase(Record("people", "7"), Record("people", "9"))
    assert holders(lived, (*PLANTED, "Liezi")) == set()
    assert lived.ask("SELECT _deleted_at IS NOT NULL FROM raw_scripted.people WHERE _record_id='9'") == [
        (True,)
    ]


def test_a_record_that_never_came_is_noted_and_nothing_is_rebuilt(lived: Home) -> None:
    before = lived.settings.warehouse.stat().st_ino
    done = lived.erase(Record("people", "unheard-of"))
    assert (done.packages, done.rebuilt) == (0, 0) and lived.settings.warehouse.stat().st_ino == before
    assert read_list(lived.settings.landing, "scripted", "default", "people").find("unheard-of")


@pytest.mark.parametrize(
    ("record", "sentence"),
    [(Record("persons", "7"), "no stream named persons"), (Record("people", " "), "no record was named")],
)
def test_wrong_use_is_a_sentence(lived: Home, record: Record, sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        lived.erase(record)
    assert not list_path(lived.settings.landing, "scripted", "default", "people").exists()


def test_a_damaged_package_stops_it_and_a_second_run_finishes(lived: Home) -> None:
    path = lived.packages("people")[1].rows(ACCEPTED)
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    with pytest.raises(Problem, match="cannot be searched"):
        lived.erase()
    path.write_bytes(good)
    lived.erase()
    assert holders(lived) == set()


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the code handles it, and nothing cleans up."""


def assert_whole(home: Home) -> None:
    """Every manifest names files that are there, whole and readable."""
    for stream in ("people", "deals"):
        for package in home.packages(stream):
            require_intact(package, package.landed)
            assert package.checked is not None
            for entry in package.checked.files:
                assert file_entry(package.folder / entry.name) == entry


def kill_at(
    monkeypatch: pytest.MonkeyPatch, *, number: int = 0, name: str = "", occurrence: int = 0
) -> list[str]:
    """Die on the nth step, or on the nth of this name; gives the names of the steps as they are seen."""
    seen: list[str] = []

    def dying(step: str, **facts: object) -> None:
        seen.append(step)
        if len(seen) == number or (step == name and seen.count(name) == occurrence):
            raise Killed(step)

    for room in (forget_room, forget_package):
        monkeypatch.setattr(room, "step", dying)
    return seen


def assert_survives(lived_once: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, **where: Any) -> None:
    """Killed there, packages are readable; the next run finishes, and no row met another fate."""
    shutil.copytree(lived_once, folder)
    home = Home(folder)
    fates = (
        "SELECT _record_id, _package_id, _position, _loaded_at FROM raw_scripted.people__history ORDER BY ALL"
    )
    hashes = "SELECT count(DISTINCT _row_hash) FROM raw_scripted.people__history WHERE _record_id = '7'"
    before = home.ask(fates)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, **where)
        home.erase()
    assert_whole(home)
    home.erase()
    assert_whole(home)
    assert holders(home) == set(), where
    assert home.ask(fates) == before and home.ask(hashes) == [(2,)], where


@pytest.mark.parametrize(
    ("name", "occurrence"),
    [("landed replaced", 2), ("checked replaced", 4), ("salt forgotten", 1)],
    ids=["between the manifests", "between equal versions", "before the fold"],
)
def test_killed_on_the_way_the_next_run_finishes(
    lived_once: Path, name: str, occurrence: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sync_room, "EXPECTATIONS", lived_once / "expectations")
    assert_survives(lived_once, tmp_path / "killed", monkeypatch, name=name, occurrence=occurrence)


@pytest.mark.slow
def test_killed_at_every_step_the_next_run_finishes(
    lived: Home, lived_once: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        steps = kill_at(patch)
        lived.erase()
    assert len(steps) > 25
    for number in range(1, len(steps) + 1):
        assert_survives(lived_once, tmp_path / f"killed{number}", monkeypatch, number=number)


def test_how_a_stream_stands_shows_no_row_any_more(lived: Home) -> None:
    """A sample may be of the person, or speak of the person."""
    zones = [zone for *_, zone in Zone(lived.settings.landing).streams()]
    shown = [
        rule.result["samples"] for zone in zones if (of := read_standing(zone)) for rule in of.rules.values()
    ]
    assert any(shown)
    lived.erase()
    after = [of for zone in zones if (of := read_standing(zone))]
    assert [rule.result["samples"] for of in after for rule in of.rules.values()] == [[] for _ in shown]


def test_verify_finds_a_home_after_forgetting_whole(lived: Home) -> None:
    lived.erase()
    with flow.lock(lived.settings, "test"):
        found = audit(lived.settings)
    assert [str(f) for f in found.wrong] == [] and found.packages == 7


def test_bytes_that_retention_took_are_not_missed(lived: Home) -> None:
    first = lived.packages("people")[0]
    gone = first.landed.files[0]
    write_manifest(first.folder, THINNED, Thinned(at=datetime.now(UTC), files=[gone], reason="test"))
    (first.folder / gone.name).unlink()
    lived.erase()
    assert holders(lived) == set() and first.landed.files == [gone]


def test_a_leftover_of_a_killed_run_is_removed(lived: Home) -> None:
    folder = lived.packages("people")[0].folder
    for name in ("accepted.1.parquet", ".landed.json.tmp"):
        (folder / name).write_text(NAME)
    lived.erase()
    assert holders(lived) == set()


def test_kept_evidence_shows_nothing_of_the_person(lived: Home) -> None:
    """The column is personal, so its values were masked already; a column nobody declared would not be."""
    last = lived.packages("people")[-2]
    evidence = lived.settings.docs / "validations" / "scripted" / "people" / f"{last.id}.json"
    masked = evidence.read_text()
    evidence.write_text(
        masked.replace(
            '"partial_unexpected_list": [\n     "***"', f'"partial_unexpected_list": [\n     "{NAME}"'
        )
    )
    assert NAME in evidence.read_text()
    lived.erase()
    assert NAME not in evidence.read_text()


def test_leftovers_elsewhere_are_named_and_what_we_cannot_reach_is_said(
    lived: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lived.settings.home / "logs" / "old.log").write_text(f"called {PHONE} yesterday")
    monkeypatch.setattr(forget_room, "_publish", lambda settings, done: None)
    with flow.lock(lived.settings, "test"):
        done = forget(lived.settings, lived.spec, "default", [Record("people", "7")])
    said = " ".join(done.sentences)
    assert "old.log" in said and "Backups" in said and NAME not in said and PHONE not in said
    erasure = read_list(lived.settings.landing, "scripted", "default", "people").find("7")
    assert erasure is not None and erasure.done_at is not None


def test_quarantined_rows_keep_their_rules(lived: Home) -> None:
    last = lived.packages("people")[-2]
    lived.erase()
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT _record_id, list_transform(_faults, lambda f: (f.rule, f.value)) FROM '{last.rows(QUARANTINED)}'"
        ).fetchall()
    assert rows == [("7", [("short", None)])]
