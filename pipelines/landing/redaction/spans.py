"""Where each value of a JSON text lies, so that one can be replaced and every other byte stays as it was.

Tolerates what a CRM sends beside valid JSON: half an emoji, bytes that are no UTF-8, a key that comes twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]]|[^\s{}\[\],:"]+', re.DOTALL)
_OBJECT, _LIST, _STRING, _OBJECT_END, _LIST_END = b'{["}]'
NULL = b"null"


class Node:
    """A value: text[start:end]. members: (name, value) of an object, in order, a name may come twice.
    items: of a list. Both empty for anything else."""

    __slots__ = ("_name", "end", "is_object", "items", "members", "start")

    def __init__(self, start: int, end: int, is_object: bool = False) -> None:
        self.start, self.end, self.is_object = start, end, is_object
        self.members: list[tuple[str, Node]] = []
        self.items: list[Node] = []
        self._name: str | None = None

    def named(self, name: str) -> Iterator[Node]:
        """Values of the members of this name."""
        return (value for key, value in self.members if key == name)

    def inner(self) -> Iterable[Node]:
        """The values directly inside."""
        return [value for _, value in self.members] if self.is_object else self.items

    def at(self, path: str) -> list[Node]:
        """The items of the list at a dotted path of names; empty where there is none."""
        level = [self]
        for part in path.split("."):
            level = [value for node in level for value in node.named(part)]
        return [item for node in level for item in node.items]

    def take(self, child: Node, token: bytes) -> None:
        """While scanning: the next token of this object or list, as a name or as a value."""
        if not self.is_object:
            self.items.append(child)
        elif self._name is None:
            self._name = name_of(token)
        else:
            self.members.append((self._name, child))
            self._name = None


def scan(text: bytes) -> Node:
    """The value that the text is. Raises ValueError when its brackets do not match."""
    top = Node(0, len(text))
    stack = [top]
    for match in _TOKEN.finditer(text):
        start = match.start()
        first = text[start]
        if first in (_OBJECT, _LIST):
            node = Node(start, start, first == _OBJECT)
            stack[-1].take(node, b"")
            stack.append(node)
        elif first in (_OBJECT_END, _LIST_END):
            node = stack.pop()
            if not stack or node.is_object != (first == _OBJECT_END):
                raise ValueError("not JSON: a bracket closes what is not open")
            node.end = match.end()
        else:
            stack[-1].take(Node(start, match.end()), match[0])
    if len(stack) != 1 or len(top.items) != 1:
        raise ValueError("not JSON: it ends too early or holds more than one value")
    return top.items[0]


@lru_cache(maxsize=4096)
def name_of(token: bytes) -> str:
    """The text of a JSON string or number as it stands in a page; what is no valid text stays readable."""
    if token[:1] != b'"':
        return token.decode("utf-8", "replace")
    text = token.decode("utf-8", "replace")
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return text[1:-1]


def spliced(text: bytes, nodes: Iterable[Node], put: bytes = NULL) -> bytes:
    """The text with these values replaced, which must not lie in one another."""
    parts, at = [], 0
    for node in sorted(nodes, key=lambda n: n.start):
        parts += [text[at : node.start], put]
        at = node.end
    return b"".join([*parts, text[at:]])
