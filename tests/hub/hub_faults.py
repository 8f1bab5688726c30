"""What goes wrong with a request: chosen by a word of "METHOD path", when, and how."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

#: Begins the code of a process that pushes: pauses between attempts are as many, and short.
HASTE = "import time; _sleep = time.sleep; time.sleep = lambda s: _sleep(min(s, 0.01))\n"


@dataclass
class Fault:
    """Befalls requests whose "METHOD path" has `word`, `times` times, after the first `skip`.

    when: before the request is looked at; in the middle of its body; after it was applied, so that
    only its answer is lost. status: what is answered instead; 0 lets a request go on that was met
    before it was applied, unless it is cut. cuts: the connection ends without an answer, as it
    always does in the middle and after. act: what happens at that moment, such as a kill.
    """

    word: str
    status: int = 0
    times: int = 1
    when: Literal["before", "middle", "after"] = "before"
    cuts: bool = False
    skip: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    act: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def meets(self, line):
        """Whether this request is met; counts it."""
        with self.lock:
            if self.word not in line or not self.times:
                return False
            if self.skip:
                self.skip -= 1
                return False
            self.times -= 1
            return True

    @property
    def breaks(self):
        """Whether the connection ends without an answer."""
        return self.cuts or self.when != "before"


def delay(seconds):
    """An `act` that keeps the client waiting."""
    return lambda: time.sleep(seconds)
