"""The only reader of the environment. Names are in DESIGN §9 and `.env.example`; secrets print as ***."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors import discover
from connectors.core.contract import SourceContext, SourceSpec
from connectors.core.errors import Problem
from pipelines.files import private_folder
from pipelines.unwanted import parse_unwanted

PROJECT = Path(__file__).resolve().parent.parent
EXPECTATIONS = PROJECT / "expectations"
DBT_PROJECT = PROJECT / "dbt_project"
WRONG_USE = "wrong_use"  # the code of a Problem that the caller's words made
_DEFAULT_ORG = "default"
_MEMORY = re.compile(r"^\d+(\.\d+)?\s*[KMGT]i?B$", re.IGNORECASE)


class Settings(BaseSettings):
    """What this installation is told. Every name is `CRM_WAREHOUSE_` + the field, in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="CRM_WAREHOUSE_", env_file=".env", env_file_encoding="utf-8", extra="ignore"
    )

    home: Path = Field(
        Path("data"), description="Folder that holds landing, warehouse, published, inbox, docs."
    )
    timezone: str = Field("Asia/Shanghai", description="Where business days are cut.")
    allow_loopback: bool = Field(False, description="Plain http to this machine is allowed (the sandbox).")
    overlap_minutes: int = Field(
        5, ge=0, le=60 * 24 * 31, description="How far before its cursor an incremental read starts."
    )
    refresh_days: int = Field(
        7, ge=0, description="Days between full reads of a stream; 0: only when asked (`sync --full`)."
    )
    sweep_days: int = Field(
        7, ge=0, description="Days between sweeps of all ids; 0: only when asked (`sync --sweep`)."
    )
    reconcile_hours: str = Field(
        "0",
        description="Hours between comparisons of totals with a CRM's own, one call a stream; 0: at every sync; off.",
    )
    memory_limit: str = Field("4GB", description="DuckDB's memory limit; beyond it, it spills to disk.")
    threads: int = Field(2, ge=1, description="DuckDB's threads, and streams read at a time per source.")
    keep_published: int = Field(3, ge=1, description="How many published versions are kept.")
    keep_pages_days: int | None = Field(
        None, ge=1, description="What `prune` may take out is at least this old; unset, everything is kept."
    )
    unwanted_fields: str = Field(
        "", description="Fields whose values are never kept: zoho.contacts.Mobile,zoho.leads.Email."
    )
    settle_seconds: float = Field(
        3,
        ge=0,
        le=600,
        description="How long a file of an inbox must not have changed to be taken for complete.",
    )
    lock_wait_seconds: float = Field(30, ge=0, description="How long a run waits for another run to end.")

    @field_validator("home", mode="before")
    @classmethod
    def _a_folder(cls, home: str | Path) -> Path:
        if "?" in str(home):
            raise ValueError("a ? in the path would be read as the begin of options by DuckDB")
        return Path(home).expanduser() if str(home).strip() else Path("data")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no IANA time zone such as Asia/Shanghai") from error
        return name

    @field_validator("reconcile_hours")
    @classmethod
    def _hours_or_off(cls, text: str) -> str:
        plain = text.strip().lower()
        if plain != "off" and not (plain.isascii() and plain.isdigit() and int(plain) <= 24 * 366):
            raise ValueError(f"{text!r} is no number of hours such as 24, and not off")
        return plain

    @field_validator("memory_limit")
    @classmethod
    def _a_size(cls, size: str) -> str:
        if not _MEMORY.match(size):
            raise ValueError(f"{size!r} is no size such as 4GB")
        return size

    @field_validator("unwanted_fields")
    @classmethod
    def _known_fields(cls, text: str) -> str:
        parse_unwanted(text, discover())
        return text

    def unwanted(self, source: str, stream: str) -> frozenset[str]:
        """The fields of a stream whose values are never kept."""
        return parse_unwanted(self.unwanted_fields, discover()).get((source, stream), frozenset())

    def unwanted_streams(self, source: str) -> frozenset[str]:
        """The streams of a source that have fields whose values are never kept."""
        found = parse_unwanted(self.unwanted_fields, discover())
        return frozenset(stream for of, stream in found if of == source)

    @cached_property
    def landing(self) -> Path:
        """The landing zone."""
        return self.home / "landing"

    @cached_property
    def warehouse(self) -> Path:
        """The warehouse file; nobody but the pipeline opens it."""
        return self.home / "warehouse" / "warehouse.duckdb"

    @cached_property
    def published(self) -> Path:
        """What readers open."""
        return self.home / "published"

    @cached_property
    def docs(self) -> Path:
        """Data docs and their inputs."""
        return self.home / "docs"

    @cached_property
    def overlap(self) -> timedelta:
        """`overlap_minutes` as a duration."""
        return timedelta(minutes=self.overlap_minutes)

    @property
    def refresh_every(self) -> timedelta | None:
        """`refresh_days` as a duration; None where full reads are only made when asked for."""
        return timedelta(days=self.refresh_days) if self.refresh_days else None

    @property
    def sweep_every(self) -> timedelta | None:
        """`sweep_days` as a duration; None where sweeps are only made when asked for."""
        return timedelta(days=self.sweep_days) if self.sweep_days else None

    @property
    def reconcile_every(self) -> timedelta | None:
        """`reconcile_hours` as a duration; None where totals are never compared."""
        return None if self.reconcile_hours == "off" else timedelta(hours=int(self.reconcile_hours))

    def scratch(self) -> Path:
        """Private working space; whatever a crash left there is removed by the next run."""
        return private_folder(self.home / "scratch")

    def inbox(self, source: str) -> Path:
        """Where people drop files for a source."""
        return self.home / "inbox" / source

    def prepare_home(self) -> None:
        """Make the home and its rooms, private. Raises Problem when that is impossible."""
        try:
            if not self.home.exists():  # others may pass through to `published`, and see nothing else
                self.home.mkdir(parents=True, mode=0o711)
            self.published.mkdir(exist_ok=True, mode=0o755)
            for folder in (self.landing, self.warehouse.parent, self.docs, self.home / "logs"):
                private_folder(folder)
            if not os.access(self.home, os.W_OK):
                raise PermissionError(errno.EACCES, "Permission denied")
        except OSError as error:
            raise Problem(
                f"the home folder cannot be used ({error.strerror})",
                do="set CRM_WAREHOUSE_HOME to a folder that this user may write",
                where=str(self.home),
            ) from error

    def context(
        self,
        spec: SourceSpec,
        org: str,
        known_files: Mapping[str, frozenset[str]] | None = None,
        known_streams: Mapping[str, str] | None = None,
    ) -> SourceContext:
        """What `spec.open` needs. Raises Problem naming the settings that are missing."""
        values, missing = _values(spec, org)
        if missing:
            raise Problem(
                f"the settings {', '.join(missing)} are missing",
                do="set them in the environment or in .env (see .env.example)",
                source=spec.name,
            )
        cache = self.home / "cache" / spec.name
        private_folder(cache)
        return SourceContext(
            org=org,
            values=values,
            inbox=self.inbox(spec.name),
            cache=cache,
            timezone=self.timezone,
            allow_loopback=self.allow_loopback,
            known_files=known_files or {},
            known_streams=known_streams or {},
            settle=self.settle_seconds,
        )


def load_settings() -> Settings:
    """The settings of this process. Raises Problem when one is wrong."""
    try:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error
    except ValidationError as error:
        first = error.errors()[0]
        name = "CRM_WAREHOUSE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise Problem(
            f"the setting {name} is wrong: {first['msg']}", do="correct it and run again"
        ) from error


def _unreadable(error: Exception) -> Problem:
    return Problem(
        f"the file .env cannot be read ({type(error).__name__})",
        do="save it as UTF-8 text, readable by this user",
    )


def selected(settings: Settings, names: list[str] | None) -> list[tuple[SourceSpec, str]]:
    """(source, organisation) pairs to run: those named, else every one that is configured.

    A source with settings is configured when any of its required settings is set (then all must be, see
    `Settings.context`); a file source when its inbox exists. Raises Problem when nothing can be selected.
    """
    specs = discover()
    if unknown := sorted(set(names or ()) - set(specs)):
        raise Problem(
            f"there is no source named {', '.join(unknown)}",
            do=f"choose among {', '.join(specs)}",
            code=WRONG_USE,
        )
    chosen = []
    for spec in (specs[n] for n in names) if names else specs.values():
        orgs = _organisations(spec)
        if names and not orgs:
            orgs = [_DEFAULT_ORG]
        if not names and not spec.settings and not settings.inbox(spec.name).is_dir():
            continue
        chosen += [(spec, org) for org in orgs]
    if not chosen:
        raise Problem(
            "no source is configured",
            do=f"set the settings of a CRM (see .env.example), or put export files into "
            f"{settings.inbox('fxiaoke_export')}",
        )
    return chosen


def _environment() -> dict[str, str]:
    try:
        written = dotenv_values(".env")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error
    return {k: v for k, v in {**written, **os.environ}.items() if v}


def _organisations(spec: SourceSpec) -> list[str]:
    """The default organisation when set, and every one whose name stands in a setting (ZOHO__EMEA__…)."""
    if not spec.settings:
        return [_DEFAULT_ORG]
    environment = _environment()
    orgs = [_DEFAULT_ORG] if any(s.required and s.name in environment for s in spec.settings) else []
    # As in `_values`: several sources of one CRM share its settings (FXIAOKE__EMEA__APP_ID).
    prefix = spec.settings[0].name.partition("_")[0] + "__"
    return orgs + sorted(
        {k[len(prefix) :].split("__")[0].lower() for k in environment if k.startswith(prefix)}
    )


def _values(spec: SourceSpec, org: str) -> tuple[dict[str, str], list[str]]:
    environment, values, missing = _environment(), {}, []
    for setting in spec.settings:
        name = setting.name
        if org != _DEFAULT_ORG:
            head, _, tail = setting.name.partition("_")
            name = f"{head}__{org.upper()}__{tail}"
        values[setting.name] = environment.get(name, setting.default)
        if setting.required and not values[setting.name]:
            missing.append(name)
    return values, missing
