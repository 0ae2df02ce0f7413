"""What must not be kept never reaches the disk; everything else is kept byte for byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from connectors.core.contract import CursorKind, Field, FieldType, Page, Shape
from connectors.core.errors import Problem
from pipelines.landing.redaction.arrivals import refuse_unwanted
from pipelines.landing.redaction.erased import (
    Erasures,
    begun,
    landing_policy,
    list_path,
    read_list,
    write_list,
)
from pipelines.landing.redaction.redact import Policy, cleaned, redacted, redacted_text
from pipelines.landing.redaction.spans import scan, spliced
from pipelines.landing.tail import record_digest
from pipelines.settings import Settings, load_settings
from tests.pipeline.conftest import Bench
from tests.pipeline.scripted import FIELDS, STREAM, deal

SHAPE = Shape("data", "id", "Modified_Time", FIELDS)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def page_bytes(bench: Bench, number: int = -1) -> bytes:
    folder = bench.zone.packages(CursorKind.INCREMENTAL)[number].folder
    packed = (folder / "pages-0001.jsonl.zst").read_bytes()
    return zstandard.ZstdDecompressor().stream_reader(packed).read()


def redact(body: str | bytes, policy: Policy, shape: Shape = SHAPE) -> tuple[str, set[tuple[str, str]]]:
    found: set[tuple[str, str]] = set()
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    return redacted(raw, shape, policy, found).decode("utf-8", "surrogatepass"), found


def test_only_the_value_goes_and_every_other_byte_stays() -> None:
    body = (
        r"""{ "data":[ {"id":"1",	"Amount": 1.10e3,"Mobile" : "138\"1","Name":"a\u4e00"} ,"""
        r""" {"id":"2","Mobile":null}],"info":{"n":1.0}}"""
    )
    now, found = redact(body, Policy(unwanted=frozenset({"Mobile"})))
    assert now == body.replace('"138\\"1"', "null")
    assert found == {("field", "Mobile")}


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        ('{"a":[{"Mobile":"x"}]}', ""),
        ("[1,[2,3]]", ""),
        ("true", ""),
        ("-12.50", ""),
        ('"x","Mobile":"twice"', ',"Mobile":null'),
        ('"\\ud83d half an emoji"', ""),
    ],
)
def test_values_of_any_form_go(value: str, rest: str) -> None:
    body = '{"data":[{"id":"1","Mobile":%s,"Name":"stays"}]}'
    now, _ = redact(body % value, Policy(unwanted=frozenset({"Mobile"})))
    assert now == body % f"null{rest}"


def test_a_field_of_that_name_elsewhere_stays() -> None:
    """In a text, in a nested object, in the envelope."""
    body = '{"data":[{"id":"1","Note":"\\"Mobile\\":\\"1\\"","Sub":{"Mobile":"2"}}],"Mobile":"3"}'
    assert redact(body, Policy(unwanted=frozenset({"Mobile"}))) == (body, set())


PEOPLE = Shape(
    "data",
    "id",
    None,
    (Field("id", FieldType.TEXT), Field("owner", FieldType.LOOKUP, label_in="owner__r.name")),
)


def test_what_is_said_of_a_field_beside_it_goes_with_it() -> None:
    told = '"owner__r":%s,"owner__l":%s,"owner__o":%s,"owner__p":%s,"owner__v":%s,"owner_title":"x"}]}'
    values = ('{"id":"7","name":"Ann"}', '[{"id":"7","name":"Ann"}]', '"Ann"', '"Ann"', '"Ann"')
    for own in ('"owner":["7"],', ""):  # the field itself may be missing
        body = '{"data":[{"id":"1",' + own + told
        now, _ = redact(body % values, Policy(unwanted=frozenset({"owner"})), PEOPLE)
        assert now == (body % (("null",) * 5)).replace('["7"]', "null")


def test_what_is_said_of_an_erased_person_goes_and_the_key_stays() -> None:
    body = '{"data":[{"id":"1","owner":["7"],"owner__r":%s,"owner__l":%s,"owner__o":%s},'
    body += '{"id":"2","owner":["8"],"owner__o":"Ben"}]}'
    now, found = redact(
        body % ('{"id":"7","name":"Ann"}', '["Ann"]', '"Ann"'), Policy(referred=frozenset({"7"})), PEOPLE
    )
    assert now == body % ("null", "null", "null") and found == {("reference", "7")}


def test_a_page_without_the_field_is_the_same_object() -> None:
    page = Page(b'{"data":[{"id":"1","Name":"Mobile"}]}', 1)
    assert cleaned(page, SHAPE, Policy(unwanted=frozenset({"Mobile"})), set()) is page


def test_records_lie_where_the_shape_says() -> None:
    body = '{"data":{"dataList":[{"_id":"a","tel":"1"},{"_id":"b","tel":"2"}],"tel":"x"}}'
    shape = Shape("data.dataList", "_id", None, ())
    now, _ = redact(body, Policy(unwanted=frozenset({"tel"})), shape)
    assert now == body.replace('"1"', "null").replace('"2"', "null")


def test_a_name_in_escapes_is_the_same_name() -> None:
    body = '{"data":[{"id":"1","\\u624b\\u673a":"138"}]}'
    assert redact(body, Policy(unwanted=frozenset({"手机"})))[0] == body.replace('"138"', "null")


def test_an_erased_record_keeps_key_stamp_and_what_is_declared_harmless() -> None:
    body = (
        '{"data":[{"id":"7","Name":"secret","Modified_Time":"2026","Unknown":{"x":1},"Owner":{"id":"9","name":"O"}},'
        '{"id":"8","Name":"other","Unknown":1}]}'
    )
    policy = Policy(
        erased=frozenset({"7"}), referred=frozenset({"7"}), keep=frozenset({"id", "Modified_Time", "Owner"})
    )
    now, found = redact(body, policy)
    assert now == body.replace('"secret"', "null").replace('{"x":1}', "null")
    assert found == {("record", "7")}


def test_a_reference_at_any_depth_keeps_its_id_only() -> None:
    body = (
        '{"data":[{"id":"1","Who":{"name":"Wang","id":"7","email":"w@x"},'
        '"Sub":[{"id":"s","By":{"id":7,"name":"Wang"}}],"Other":{"id":"70","name":"Li"}}]}'
    )
    now, found = redact(body, Policy(referred=frozenset({"7"})))
    assert now == body.replace('"Wang"', "null").replace('"w@x"', "null")
    assert found == {("reference", "7")}


def test_a_text_that_is_json_loses_the_reference_and_other_texts_stay() -> None:
    ids = frozenset({"7"})
    assert redacted_text('[{"id": "7", "name": "Wang"}]', ids) == '[{"id": "7", "name": null}]'
    assert redacted_text("[7 is no JSON", ids) == "[7 is no JSON"


@pytest.mark.parametrize("text", [b'{"a":[1}', b"", b'{"a":1', b"{} {}", b"]"])
def test_brackets_that_do_not_match_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        scan(text)


def test_a_page_that_cannot_be_searched_is_not_kept() -> None:
    policy = Policy(unwanted=frozenset({"Mobile"}))
    with pytest.raises(Problem, match="not kept at all"):
        cleaned(Page(b'{"data":[{"Mobile":1]', 1), SHAPE, policy, set())


def test_spans_are_exact_for_random_json() -> None:
    import random

    rng = random.Random(5)

    def value(depth: int) -> object:
        kind = rng.randrange(7 if depth else 5)
        texts = ["", 'q"\\', "{[]}", "汉\n", "a:b,c", "\u2028"]
        match kind:
            case 0 | 1:
                return rng.choice(texts)
            case 2:
                return rng.choice([1, -2.5, 10**18, 1e-9])
            case 3:
                return rng.choice([True, False, None])
            case 4 | 5:
                return (
                    {rng.choice(texts) + str(i): value(depth - 1) for i in range(rng.randrange(4))}
                    if depth
                    else 0
                )
            case _:
                return [value(depth - 1) for _ in range(rng.randrange(4))]

    for _ in range(300):
        data = {"a": value(4), "b": value(4), "c": value(3)}
        text = json.dumps(data, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1])).encode()
        node = next(scan(text).named("b"))
        assert json.loads(text[node.start : node.end]) == data["b"]
        assert json.loads(spliced(text, [node], b'"new"')) == data | {"b": "new"}


def test_unwanted_fields_are_empty_on_disk_and_named_in_the_manifest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.settings.discover", lambda: {"scripted": bench.spec})
    bench.settings = Settings(
        home=bench.settings.home, _env_file=None, unwanted_fields="scripted.deals.Name,scripted.deals.Custom"
    )
    bench.source.pages = [[deal("1", Name="Wang-Secret", Custom={"tel": "Phone-Secret"}, Amount=2.50)]]
    bench.sync()
    assert b"Secret" not in page_bytes(bench)
    landed = bench.zone.packages()[0].landed
    assert [(r.what, r.name) for r in landed.redactions] == [("field", "Custom"), ("field", "Name")]
    assert [str(amount) for _, amount in bench.raw()] == ["2.50"]


def test_an_idle_sync_stays_idle_under_redaction(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.settings.discover", lambda: {"scripted": bench.spec})
    bench.settings = Settings(home=bench.settings.home, _env_file=None, unwanted_fields="scripted.deals.Name")
    bench.source.pages = [[deal("1", Name="Wang")]]
    bench.sync()
    kept = b'{"id": "1", "Modified_Time": "2026-03-01T10:00:00+08:00", "Name": null}'
    assert bench.zone.packages()[0].landed.tail == {"1#0": record_digest(kept)}
    bench.sync()
    assert len(bench.zone.packages()) == 1


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("contacts.Mobile", "no field such as"),
        ("sap.contacts.Mobile", "names no source"),
        ("fxiaoke_export.contact.mobile", "names no stream of fxiaoke_export"),
        ("zoho.contacts.mobile", "did you mean Mobile"),
        ("zoho.contacts.id", "cannot be left out"),
        ("zoho.contacts.Modified_Time", "cannot be left out"),
    ],
)
def test_a_wrong_setting_is_a_sentence(setting: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_WAREHOUSE_UNWANTED_FIELDS", setting)
    with pytest.raises(Problem, match=sentence) as raised:
        load_settings()
    assert "CRM_WAREHOUSE_UNWANTED_FIELDS" in str(raised.value)


def test_unwanted_fields_of_the_declared_streams_are_understood() -> None:
    settings = Settings(
        _env_file=None, unwanted_fields=" zoho.contacts.Mobile, zoho.contacts.Custom.x ,zoho.leads.Email"
    )
    assert settings.unwanted("zoho", "contacts") == {"Mobile", "Custom.x"}
    assert settings.unwanted("zoho", "deals") == frozenset()


def test_files_cannot_leave_fields_out() -> None:
    with pytest.raises(Problem, match="the file in the inbox holds them anyway"):
        refuse_unwanted(STREAM, {"Name"})
    refuse_unwanted(STREAM, ())


def test_a_list_keeps_ids_but_no_name_that_is_a_key(tmp_path: Path) -> None:
    list_, first = begun(Erasures(), "42", NOW, "case 1", is_name=False)
    list_, second = begun(list_, "name:wang wei", NOW, "case 2", is_name=True)
    write_list(tmp_path, "s", "o", "people", list_)
    path = list_path(tmp_path, "s", "o", "people")
    assert b"wang" not in path.read_bytes() and path.stat().st_mode & 0o777 == 0o600
    again = read_list(tmp_path, "s", "o", "people")
    assert again.find("42") == first and again.find("name:wang wei") == second and again.find("43") is None
    assert landing_policy({"people": again}, STREAM).referred == {"42"}


def test_an_interrupted_erasure_goes_on_with_its_salt() -> None:
    list_, first = begun(Erasures(), "42", NOW, "", is_name=False)
    assert begun(list_, "42", datetime.now(UTC), "", is_name=False)[1] == first


def test_a_damaged_list_stops_the_stream(bench: Bench) -> None:
    path = list_path(bench.settings.landing, "scripted", "default", "deals")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    bench.source.pages = [[deal("1")]]
    assert "list of erased records cannot be read" in bench.sync().outcomes[0].messages[0]
    assert bench.zone.packages() == []
