"""A study's [strategy.params] as a strategy's parameters, and what does not fit, said in words of ours.

Constraints are pydantic's, in the annotations of a frozen dataclass: `Annotated[Decimal, Field(gt=0, lt=1)]`; what two
fields have to do with each other is checked in `__post_init__`, by InvalidInput.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, get_args, get_type_hints

from autogrid.core.market import decimal_of
from autogrid.core.study import check_keys
from autogrid.errors import InvalidInput, shortened

WHERE = "[strategy.params]"
#: What is expected where a value is of another type, by the first word of pydantic's name for that.
_TYPES = {"int": "a whole number", "decimal": "a number", "float": "a number", "string": "a text"} | {
    "bool": "true or false", "list": "a list", "tuple": "a list", "dict": "a table"
}  # fmt: skip
#: What remains of pydantic's words.
_SAID = {
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "finite_number": "a finite number",
}


def read(kind: type, params: Mapping[str, Any]) -> Any:
    """`params` as the frozen dataclass `kind`. InvalidInput names the first that does not fit."""
    # Costs a tenth of a second, and whoever reads none should not pay.
    from pydantic import TypeAdapter, ValidationError

    check_keys(WHERE, params, tuple(each.name for each in fields(kind)))
    hints = get_type_hints(kind)
    try:
        given = {name: _number(name, value, hints[name]) for name, value in params.items()}
    except InvalidInput as error:
        raise InvalidInput(f"{WHERE} {error}") from None
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise InvalidInput(f"{WHERE} {_words(error.errors(include_url=False)[0])}") from None


def _number(name: str, value: Any, hint: Any) -> Any:
    """A number as exact as it is written and of a size that markets have. pydantic takes true for 1, and 1e400."""
    kinds = (hint, *get_args(hint))
    if isinstance(value, bool) and bool not in kinds and {int, float, Decimal} & set(kinds):
        raise InvalidInput(f"{name} must be a number, was {value}")
    if Decimal in kinds and isinstance(value, str | int | float | Decimal):
        return decimal_of(name, repr(float(value)) if isinstance(value, float) else value)
    return value


def _words(found: Any) -> str:
    """One of pydantic's findings as: field, what was expected, what was found."""
    kind, name = found["type"], ".".join(map(str, found["loc"]))
    if kind == "missing":
        return f"needs {name}"
    if kind == "value_error":  # a check's own words
        said = str(found["ctx"]["error"])
        return said if not name or said.startswith(f"{name} ") else f"{name}: {said}"
    if kind in _SAID:
        expected = f"must be {_SAID[kind].format(**found.get('ctx', {}))}"
    elif re.search("_(type|parsing|parsing_size|from_float)$", kind) and kind.partition("_")[0] in _TYPES:
        expected = f"must be {_TYPES[kind.partition('_')[0]]}"
    else:
        expected = re.sub("^[A-Z][A-Za-z ]* should ", "must ", found["msg"])
    return f"{name} {expected}, was {shortened(found.get('input'))}"
