"""The vendor's own client on a served company: how it is opened, what it reads, and its values in canonical form.

The SDK keeps one state per process (`Initializer`), writes what it learns into a folder, and gives None where it could
not parse an answer. Importing it costs half a second: only who uses it imports this. Never here: assertions about the
company, and anything of `connectors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store.file_store import FileStore
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap, bulk_read
from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper, CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.currencies import CurrenciesOperations
from zohocrmsdk.src.com.zoho.crm.api.dc.data_center import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.layouts import GetLayoutsParam, LayoutsOperations
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule, ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.pipeline import PipelineOperations
from zohocrmsdk.src.com.zoho.crm.api.profiles import ProfilesOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    GetDeletedRecordsParam,
    GetRecordsHeader,
    GetRecordsParam,
    Record,
    RecordOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.roles import RolesOperations
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.tags import GetTagsParam, TagsOperations
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, MinifiedUser, UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

__all__ = ["Initializer", "SDKException"]  # for who catches and restores


class Environment(DataCenter.Environment):
    """A data centre of one address, as the sandbox is."""

    def __init__(self, url: str) -> None:
        super().__init__(url, f"{url}/oauth/v2/token", url)


def open_sdk(settings: Mapping[str, str], folder: Path) -> None:
    """Initialise the SDK on a company; its token file and what it learns of fields go into `folder`."""
    token = OAuthToken(
        client_id=settings["ZOHO_CLIENT_ID"],
        client_secret=settings["ZOHO_CLIENT_SECRET"],
        refresh_token=settings["ZOHO_REFRESH_TOKEN"],
    )
    Initializer.initialize(
        Environment(settings["ZOHO_API_URL"]),
        token,
        store=FileStore(str(folder / "tokens.csv")),
        sdk_config=SDKConfig(read_timeout=60, connect_timeout=10),
        resource_path=str(folder),
    )


def asked(*params: tuple[Any, Any]) -> ParameterMap:
    """Parameters of a call: (constant of a `GetXxxParam`, value or values)."""
    found = ParameterMap()
    for param, value in params:
        for one in value if isinstance(value, list | tuple) else [value]:
            found.add(param, one)
    return found


def got(response: Any, status: int = 200) -> Any:
    """The object of an answer. The SDK gives None for what it could not parse."""
    assert response is not None, "the SDK could not parse the answer"
    found = response.get_object()
    assert response.get_status_code() == status, getattr(found, "__dict__", found)
    return found


def get_records(module: str, fields: Sequence[str], since: datetime | None = None, **more: Any) -> Any:
    """One answer of Get Records; more: names of GetRecordsParam."""
    params = asked(
        (GetRecordsParam.fields, fields),
        *((getattr(GetRecordsParam, name), value) for name, value in more.items()),
    )
    headers = HeaderMap()
    if since is not None:
        headers.add(GetRecordsHeader.if_modified_since, since)
    return RecordOperations(module).get_records(params, headers)


def walk(module: str, fields: Sequence[str], **more: Any) -> Iterator[list[Record]]:
    """The pages of a module, by page_token to the end."""
    while True:
        page = got(get_records(module, fields, **more))
        yield page.get_data()
        info = page.get_info()
        assert info.get_count() == len(page.get_data())
        if not info.get_more_records():
            return
        more["page_token"] = info.get_next_page_token()


def get_record(module: str, id: str) -> Record:
    """One record, whole."""
    (record,) = got(RecordOperations(module).get_record(int(id), ParameterMap())).get_data()
    return record


def get_deleted(module: str) -> Any:
    """The first page of the deleted list."""
    params = asked((GetDeletedRecordsParam.type, "all"))
    return got(RecordOperations(module).get_deleted_records(params, HeaderMap()))


def coql(query: str) -> Any:
    """The answer to a query."""
    body = BodyWrapper()
    body.set_select_query(query)
    return CoqlOperations().get_records(body)


def bulk(module: str, fields: Sequence[str]) -> tuple[list[str], Any, bytes]:
    """(states of a Bulk Read job, its result, the downloaded file)."""
    name, query, body = MinifiedModule(), bulk_read.Query(), bulk_read.BodyWrapper()
    name.set_api_name(module)
    query.set_module(name)
    query.set_fields(list(fields))
    body.set_query(query)
    jobs, states = bulk_read.BulkReadOperations(), []
    (added,) = got(jobs.create_bulk_read_job(body), 201).get_data()
    assert added.get_status().get_value() == "success"
    id = int(added.get_details()["id"])
    while not states or states[-1] in ("QUEUED", "IN PROGRESS"):
        (job,) = got(jobs.get_bulk_read_job_details(id)).get_data()
        states.append(job.get_state().get_value())
    return states, job.get_result(), got(jobs.download_result(id)).get_file().get_stream().content


def get_modules() -> list[Any]:
    """What settings/modules lists."""
    return got(ModulesOperations().get_modules(ParameterMap(), HeaderMap())).get_modules()


def get_fields(module: str) -> list[Any]:
    """What settings/fields says of a module."""
    return got(FieldsOperations().get_fields(asked((GetFieldsParam.module, module)))).get_fields()


def get_users(kind: str) -> list[Any]:
    """Users of a kind, on one page."""
    return got(UsersOperations().get_users(asked((GetUsersParam.type, kind)), HeaderMap())).get_users()


def get_org() -> Any:
    """The organisation."""
    (org,) = got(OrgOperations().get_organization()).get_org()
    return org


def get_currencies() -> list[Any]:
    """Its currencies."""
    return got(CurrenciesOperations().get_currencies()).get_currencies()


def get_roles() -> list[Any]:
    """Its roles."""
    return got(RolesOperations().get_roles()).get_roles()


def get_profiles() -> list[Any]:
    """Its profiles."""
    return got(ProfilesOperations().get_profiles(ParameterMap())).get_profiles()


def get_tags(module: str) -> list[Any]:
    """What records of a module may be labelled with."""
    return got(TagsOperations().get_tags(asked((GetTagsParam.module, module)))).get_tags()


def get_pipelines(module: str) -> list[Any]:
    """The pipelines of a module's only layout."""
    layouts = LayoutsOperations().get_layouts(asked((GetLayoutsParam.module, module)))
    (layout,) = got(layouts).get_layouts()
    return got(PipelineOperations(layout.get_id()).get_pipelines()).get_pipeline()


def values(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """Fields of a record in canonical values."""
    return {name: canonical(record.get_key_value(name)) for name in names}


def canonical(value: Any) -> Any:
    """A value as `sources.Truth` gives it, with every number as Decimal: the SDK has doubles for amounts too."""
    match value:
        case "":
            return None
        case Choice():
            return canonical(value.get_value())
        case Record() | MinifiedUser():
            return str(value.get_id())
        case {"id": id}:
            return id
        case bool():
            return value
        case int() | float():
            return Decimal(repr(value))  # the shortest text that is this float: what the wire said
        case list():
            return [canonical(one) for one in value]
        case _:
            return value
