"""As much of PromQL as it takes to say which metrics and labels an expression asks for."""

from __future__ import annotations

import re

WORDS = frozenset(
    ("and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool")
)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()")


def names_and_labels(expression: str) -> tuple[set[str], set[str]]:
    """Metric names, and names of labels in selectors and groupings."""
    rest = _STRING.sub('""', expression)
    labels: set[str] = set()
    for inside in _SELECTOR.findall(rest):
        labels.update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
    rest = _SELECTOR.sub("", rest)
    for inside in _GROUPING.findall(rest):
        labels.update(re.findall(r"\w+", inside))
    rest = _RANGE.sub("", _GROUPING.sub(" ", rest))
    return {name for name in _NAME.findall(rest) if name.lower() not in WORDS}, labels
