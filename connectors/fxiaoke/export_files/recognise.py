"""Whose records a file holds, or why nobody can tell. Never a guess: a wrong object would mix up records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.core.errors import Problem
from connectors.core.files.content import EXPORT_AGAIN
from connectors.core.files.grid import Peek
from connectors.core.files.limits import HEADER_ROWS
from connectors.core.files.normal import match_label
from connectors.fxiaoke.export_files.columns import Fit, best_row
from connectors.fxiaoke.export_files.labels import ObjectLabels, Vocabulary
from connectors.fxiaoke.export_files.override import NAME as OVERRIDE

_FILE = re.compile(r"^(?P<name>.+)对象导出结果")
_SHEET = re.compile(r"^(?P<name>.+)数据$")
_TEMPLATE = re.compile(r"导入模[版板]")
_RESULT_FILE, _RESULT_SHEET = re.compile(r"导入结果"), "失败结果"
TIPS = re.compile(r"字段类型|此项必填|关联对象主属性|最大位数")  # the second row of an import template
_COLON, _TELLING = re.compile("[:：]"), 2
_SEEN = 12
_GUESS_OWN, _GUESS_KNOWN = 2, 3  # labels that a file must show when nothing but its header speaks for it
_ADD = f"add its labels to {OVERRIDE} in the inbox (connectors/fxiaoke/README.md shows how)"


@dataclass(frozen=True, slots=True)
class Recognised:
    """stream: name of the object's stream. header_row: 1-based. rows: all rows below the header, up to the
    last that holds anything."""

    stream: str
    header_row: int
    rows: int


def recognise(file_stem: str, peek: Peek, vocabulary: Vocabulary) -> Recognised:
    """The object of a file, by its name, its sheet and its header. Raises Problem saying what the file is."""
    _refuse_other_documents(file_stem, peek)
    named = _named(file_stem, peek.sheet, vocabulary)
    words, fit = _choose(named, peek, vocabulary)
    label = words.stream.label
    below = peek.last_row - fit.row
    tips = fit.row < len(peek.head) and any(TIPS.search(cell) for cell in peek.head[fit.row])
    if tips and below == 1:
        raise _template(f"it has the header of {label} and one row of hints")
    if below <= 0:
        raise Problem(
            f"the file is an empty shell: the header of {label} and no row below it",
            do="Export again with records selected, or delete the file",
        )
    return Recognised(words.stream.name, fit.row, below)


def _refuse_other_documents(stem: str, peek: Peek) -> None:
    if _TEMPLATE.search(peek.sheet) or _TEMPLATE.search(stem):
        raise _template(f"sheet {peek.sheet}" if _TEMPLATE.search(peek.sheet) else "by its name")
    if peek.sheet == _RESULT_SHEET or _RESULT_FILE.search(stem):
        place = f"sheet {peek.sheet}" if peek.sheet == _RESULT_SHEET else "by its name"
        raise Problem(
            f"the file is the result of an import ({place}), not an export",
            do="Delete it, or export the object's records (导出) and put that file here",
        )
    if not any(cell.strip() for row in peek.head for cell in row) and peek.last_row <= len(peek.head):
        sheet = f"sheet {peek.sheet} is" if peek.sheet else "the file is"
        raise Problem(f"{sheet} empty", do=EXPORT_AGAIN)


def _named(stem: str, sheet: str, vocabulary: Vocabulary) -> list[ObjectLabels]:
    """The objects that file and sheet name; none when they name nothing. Raises Problem for others."""
    by_file, by_sheet = _FILE.match(stem), _SHEET.match(sheet)
    said = [match["name"] for match in (by_sheet, by_file) if match]
    objects = {o.stream.name: o for name in said if (o := vocabulary.object_called(name))}
    if objects:
        return list(objects.values())
    if by_file and not by_sheet and not _is_other(by_file["name"], vocabulary):
        known = _ending(by_file["name"], vocabulary)  # people write before a name: 1-5月商机对象导出结果
        if known:
            return [known]
    if said:
        labels = "、".join(o.stream.label for o in vocabulary.objects.values())
        raise Problem(
            f"the file holds records of {said[0]}, which is none of the objects read ({labels})",
            do=f"Take it out of the inbox; if {said[0]} is the tenant's name for one of them, {_ADD}",
        )
    return []


def _is_other(name: str, vocabulary: Vocabulary) -> bool:
    """Whether the longest known name at its end is that of an object not read: 订单产品 is no 产品."""
    wanted = match_label(name)
    other = max((len(o) for o in vocabulary.others if wanted.endswith(o)), default=0)
    ours = max(
        (len(n) for o in vocabulary.objects.values() for n in o.names if wanted.endswith(n)), default=0
    )
    return other >= ours and other > 0


def _ending(name: str, vocabulary: Vocabulary) -> ObjectLabels | None:
    wanted = match_label(name)
    fitting = [(len(n), o) for o in vocabulary.objects.values() for n in o.names if wanted.endswith(n)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _choose(named: Sequence[ObjectLabels], peek: Peek, vocabulary: Vocabulary) -> tuple[ObjectLabels, Fit]:
    candidates = named or list(vocabulary.objects.values())
    fits = [(words, best_row(peek.head, words, vocabulary)) for words in candidates]
    enough = [(words, fit) for words, fit in fits if _enough(fit, bool(named))]
    if not enough:
        raise _report(peek, vocabulary) or _unknown(named, peek)
    best = max(fit.rank() for _, fit in enough)
    winners = [(words, fit) for words, fit in enough if fit.rank() == best]
    if len(winners) > 1:
        labels = " and ".join(words.stream.label for words, _ in winners)
        raise Problem(
            f"the header fits {labels} equally well",
            do="Keep the name that Fxiaoke gave the file (<object>对象导出结果_<date>), or export it again",
        )
    return winners[0]


def _enough(fit: Fit, named: bool) -> bool:
    if named:
        return (fit.has_id or fit.has_identity) and fit.own + fit.has_id > 0
    return fit.has_identity and fit.own >= _GUESS_OWN and fit.known >= _GUESS_KNOWN


def _report(peek: Peek, vocabulary: Vocabulary) -> Problem | None:
    """What is said of a report, which holds sums or other records than an object's."""
    words = {part for row in peek.head for cell in row for part in (match_label(cell), *_heads(cell))}
    for name, telling in vocabulary.reports.items():
        if len(words & telling) >= _TELLING:
            return Problem(
                f"the file is a report of Fxiaoke ({name}), not an export of an object's records",
                do="Delete it, or export the object's records (导出) and put that file here",
            )
    return None


def _heads(cell: str) -> list[str]:
    """The words before a colon, as in 制表日期：2017年5月16日."""
    return [match_label(part) for part in _COLON.split(cell)[:-1]]


def _unknown(named: Sequence[ObjectLabels], peek: Peek) -> Problem:
    fullest = max(
        peek.head[:HEADER_ROWS], key=lambda row: sum(bool(cell.strip()) for cell in row), default=()
    )
    labels = [" ".join(cell.split())[:40] for cell in fullest if cell.strip()]
    seen = "、".join(labels[:_SEEN]) + (f" … ({len(labels)} in all)" if len(labels) > _SEEN else "")
    if named:
        wanted = "、".join(
            [
                "唯一性ID",
                *sorted(
                    {label for words in named for label in words.identity() & (words.own | words.number)}
                ),
            ]
        )
        object_label = "/".join(words.stream.label for words in named)
        what = (
            f"the file is named {object_label}, but none of its first ten rows has a column that tells records "
            f"apart ({wanted}); seen: {seen}"
        )
    else:
        what = f"no row among the first ten is the header of an object that is read; seen: {seen}"
    return Problem(what, do=f"Export the object with its usual columns, or {_ADD}")


def _template(why: str) -> Problem:
    return Problem(
        f"the file is an import template ({why}), not an export",
        do="Delete it, or export the object's records (导出) and put that file here",
    )
