"""Variables as a .env file: read without side effects, and written so that they read the same.

The dialect is python-dotenv's: comments, `export `, values bare, in single or in double quotes,
quoted ones over many lines and with its escapes. What differs: nothing is interpolated, a line
without `=` is an error in place of being passed over, and the time is linear (a bare value with
500,000 spaces takes python-dotenv minutes, which is why this is our own). A test compares both.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable and the line, from 1, that it begins on."""

    key: str
    value: str = field(repr=False)
    line: int


class DotenvError(ValueError):
    """The text is no .env file; `line` says where, `rule` why."""

    def __init__(self, line: int, rule: str) -> None:
        super().__init__(f"line {line}: {rule}")
        self.line = line
        self.rule = rule


_NEWLINE: Final = re.compile(r"\r\n|\n|\r")
_BLANK: Final = re.compile(r"\s*")
_EXPORT: Final = re.compile(r"export[ \t]+")
_KEY: Final = re.compile(r"[^=#\s'\"]+")
_EQUALS: Final = re.compile(r"[ \t]*=")
_SPACE: Final = re.compile(r"[ \t]*")
_SINGLE: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REST: Final = re.compile(r"[^\r\n]*")
_END: Final = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|\Z)")
_COMMENT: Final = re.compile(r"[ \t]#")
_SINGLE_ESCAPE: Final = re.compile(r"\\([\\'])")
_DOUBLE_ESCAPE: Final = re.compile(r"\\([\\'\"abfnrtv])")
_MEANS: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# What needs no quotes, in shells either.
_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,-]+", re.ASCII)


def parse(text: str) -> list[Entry]:
    """The variables in `text`, in its order, a key as often as it is there; DotenvError."""
    return list(_Reader(text.removeprefix("\ufeff")).entries())


def written(variables: Mapping[str, str]) -> str:
    """A .env file of them, which `parse` and python-dotenv read back as they are."""
    return "".join(f"{key}={_quoted(value)}\n" for key, value in variables.items())


def _quoted(value: str) -> str:
    if not value or _BARE.fullmatch(value):
        return value
    # In single quotes a shell takes everything as it is; a lone \r would not survive some editors.
    if not set(value) & set("'\\\r"):
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r")
    return f'"{escaped}"'


class _Reader:
    """A place in the text, and the line that it is on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def entries(self) -> Iterator[Entry]:
        while True:
            self._take(_BLANK)
            if self._at == len(self._text):
                return
            if self._text[self._at] == "#":
                self._take(_REST)
            else:
                yield self._entry()

    def _entry(self) -> Entry:
        line = self._line
        self._take(_EXPORT)
        key = self._take(_KEY)
        if key is None or self._take(_EQUALS) is None:
            raise DotenvError(line, "write KEY=value, or # before a comment.")
        return Entry(key[0], self._value(), line)

    def _value(self) -> str:
        space = self._take(_SPACE)
        mark = self._text[self._at : self._at + 1]
        if mark in ("'", '"'):
            return self._quoted(mark)
        if mark == "#" and space and space[0]:
            self._take(_REST)
            return ""
        rest = self._take(_REST)
        assert rest is not None
        comment = _COMMENT.search(rest[0])
        return rest[0][: comment.start() if comment else None].rstrip(" \t")

    def _quoted(self, mark: str) -> str:
        line = self._line
        found = self._take(_SINGLE if mark == "'" else _DOUBLE)
        if found is None:
            raise DotenvError(line, f"the {mark} that opens the value is never closed.")
        if self._take(_END) is None:
            raise DotenvError(self._line, f"only a comment may follow the closing {mark}.")
        escape = _SINGLE_ESCAPE if mark == "'" else _DOUBLE_ESCAPE
        return escape.sub(lambda found: _MEANS.get(found[1], found[1]), found[1])

    def _take(self, what: re.Pattern[str]) -> re.Match[str] | None:
        """What is here of this form, now behind us."""
        found = what.match(self._text, self._at)
        if found is not None:
            self._line += len(_NEWLINE.findall(found[0]))
            self._at = found.end()
        return found
