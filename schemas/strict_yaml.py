"""YAML as recipes are written: plain values only, and no key twice."""

from pathlib import Path
from typing import Any

import yaml

from schemas.errors import RecipeError

#: PyYAML recurses into nested brackets, and its constructors raise what they meet: for 2024-13-45,
#: `!!int ''`, `!!bool maybe` and `!!timestamp soon`.
YAML_ERRORS = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    RecursionError,
)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value if isinstance(key.value, str) else id(key))
        return super().construct_mapping(node, deep)


def parse_yaml(text: str) -> Any:
    """The value that `text` stands for. Raises one of YAML_ERRORS."""
    return yaml.load(text, _Loader)  # noqa: S506 (a safe loader)


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a file that holds a mapping. Raises RecipeError, which names the file and the place."""
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: is not UTF-8; save it as UTF-8") from None
    except YAML_ERRORS as error:
        raise RecipeError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise RecipeError(f"{path}: must be a mapping of keys to values")
    return document
