"""Typed documents (recipe, statistics, manifest): strict models whose errors help.

`Document` is the base of every model that is read from or written to YAML or JSON. Unknown keys are
refused, and `explain` turns pydantic's findings into one sentence that names the key and, for an
unknown one, the nearest that exists.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import AuroraError

Read = TypeVar("Read", bound="Document")


class Document(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def read_document(
    path: Path, document: type[Read], error: type[AuroraError], whole: str, remedy: str
) -> Read:
    """Read the JSON file at `path`, without which its folder holds no finished `whole`.

    Raises `error` where there is none or it cannot be understood; `remedy` says what to do then.
    """
    try:
        return document.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise error(
            f"{path.parent}: holds no finished {whole} ({path.name} is missing); {remedy}"
        ) from None
    except OSError as why:
        raise error(f"{path}: cannot be read ({why.strerror})") from None
    except ValidationError as why:
        raise error(
            f"{path}: is damaged or of another version ({explain(document, why)}); {remedy}"
        ) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: "did you mean 'x'?", or the list of what exists."""
    options = sorted(known)
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else "known: " + ", ".join(options)


def explain(model: type[BaseModel], error: ValidationError) -> str:
    """The first finding of `error`, as one sentence for the author of the document."""
    finding = error.errors(include_url=False)[0]
    path = finding["loc"]
    key = ".".join(map(str, path))
    if finding["type"] == "extra_forbidden":
        return f"unknown key {key!r}; {nearest(str(path[-1]), _fields(model, path[:-1]))}"
    if finding["type"] == "missing":
        return f"key {key!r} is missing"
    if finding["type"] == "model_type":
        return f"{key}: must be a mapping of options, such as {{enabled: false}}"
    message = finding["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def _fields(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Field names of the model at `path` inside `model`."""
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model class inside an annotation such as `list[Source]` or `Clean | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := _model_in(a))), None)
