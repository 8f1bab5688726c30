"""Messages that are data as a whole: what prose may lose is content there."""

import orjson


def is_json(text: str) -> bool:
    """Whether `text` is a JSON object or array."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
