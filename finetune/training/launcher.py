"""What a run tells launch.sh, in the directory that $AURORA_STATUS names, if any.

`code`   exit codes of processes that ended by themselves; what was killed leaves none
`saved`  is there since a checkpoint was written
"""

import os
from pathlib import Path

#: Interrupted, and terminated: the launcher knows of those signals, or sent them.
_FROM_OUTSIDE = (0, 130, 143)


def tell_code(code: int) -> None:
    """`accelerate launch` ends with 1 whatever its processes end with."""
    if (directory := os.environ.get("AURORA_STATUS")) and code not in _FROM_OUTSIDE:
        with (Path(directory) / "code").open("a", encoding="utf-8") as file:
            file.write(f"{code}\n")


def tell_saved() -> None:
    """A run that saves is worth starting again."""
    if directory := os.environ.get("AURORA_STATUS"):
        (Path(directory) / "saved").touch()
