"""A feed item's remaining fields as metadata: strings, free of people's names, within the limits of a post."""

import json
from collections.abc import Iterable, Mapping

from service.feeds.authors import Pseudonyms
from service.feeds.fields import Object

TRUNCATED, OMITTED = "assay.truncated", "assay.omitted"
_ENTRIES, _KEY, _VALUE = 62, 128, 4_096  # validation's limits, less the two markers


def metadata(item: Object, consumed: Iterable[str], authors: Pseudonyms) -> dict[str, str]:
    """The fields of `item` that are not `consumed`; nested ones as compact JSON, nulls left out.

    Values over 4,096 characters are cut and their keys listed under `assay.truncated`; the number of
    fields left out is under `assay.omitted`. Raises `InvalidInput` for an item that is nested too deeply.
    """
    taken = frozenset(consumed)
    rest = authors.scrub({key: value for key, value in item.items() if key not in taken and value is not None})
    written = {_clean(key): _written(value) for key, value in rest.items()} if isinstance(rest, dict) else {}
    return bounded(written)


def bounded(entries: Mapping[str, str]) -> dict[str, str]:
    """`entries` cut to the limits, with markers that say what was cut."""
    fitting = [key for key in entries if 0 < len(key) <= _KEY][:_ENTRIES]
    kept = {key: entries[key][:_VALUE] for key in fitting}
    if cut := [key for key in fitting if len(entries[key]) > _VALUE]:
        kept[TRUNCATED] = ",".join(cut)[:_VALUE]
    if missing := len(entries) - len(fitting):
        kept[OMITTED] = str(missing)
    return kept


def _written(value: object) -> str:
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _clean(plain)


def _clean(value: str) -> str:
    """`value` without NULs and half surrogate pairs, which no store takes."""
    return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
