"""Names of people."""

from __future__ import annotations

import re

from pipelines.identity.text import has_han, listed, plain, words

_LATIN_TITLE = re.compile(r"^(mr|mrs|ms|miss|dr|prof)\.? ")
_REMARK = re.compile(r"\([^()]*\)")
_NOISE = re.compile(r"[\s.·・,'’-]+")


def person(text: str) -> str:
    """One spelling of a name: width, characters, blanks, titles. 王伟02, a second 王伟, stays itself.

    "" for what is no personal name: a surname, with a title (张经理, 欧阳总, Mr. Zhang) or, in Chinese, without.
    """
    name = _REMARK.sub("", plain(text)).strip()
    return _chinese(_NOISE.sub("", name)) if has_han(name) else _latin(name)


def _chinese(name: str) -> str:
    surnames = words()["compound_surnames"]
    for title in listed("titles"):
        bare = name.removesuffix(title)
        if bare == name or not bare:
            continue
        if len(bare) == 1 or bare in surnames:
            return ""
        if len(title) > 1:  # 李建工 and 王总 end alike
            return bare
    return name if len(name) > 1 else ""


def _latin(name: str) -> str:
    bare = _LATIN_TITLE.sub("", name)
    spelled = _NOISE.sub(" ", bare).strip()
    return "" if bare != name and " " not in spelled else spelled
