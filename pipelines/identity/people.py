"""Names of people."""

from __future__ import annotations

import re

from pipelines.identity.text import has_han, plain

_TITLE = re.compile(r"(先生|女士|小姐|老师|总经理|经理|主任)$")
_LATIN_TITLE = re.compile(r"^(mr|mrs|ms|miss|dr|prof)\.? ")
_REMARK = re.compile(r"\([^()]*\)")
_NOISE = re.compile(r"[\s.·・,'’-]+")


def person(text: str) -> str:
    """One spelling of a name: width, characters, blanks, titles. 王伟02, a second 王伟, stays itself."""
    name = _REMARK.sub("", plain(text)).strip()
    name = _TITLE.sub("", name) if has_han(name) else _LATIN_TITLE.sub("", name)
    return _NOISE.sub("" if has_han(name) else " ", name).strip()
