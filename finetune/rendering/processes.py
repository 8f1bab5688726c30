"""A function over a stream of tasks, on all cores, with the results in order."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from schemas.errors import AuroraError

Task = TypeVar("Task")
Result = TypeVar("Result")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    """`map(function, tasks)` by processes; at most two tasks per worker are under way.

    What `function` raises is raised here, for the first task that it fails on. Raises AuroraError
    where a process dies.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    # Spawned, not forked: Arrow and torch keep threads, and a forked thread pool hangs.
    context = multiprocessing.get_context("spawn")
    waiting, under_way = iter(tasks), deque[Future[Result]]()
    pool = ProcessPoolExecutor(workers, context, _prepare, (function,))
    try:
        under_way.extend(pool.submit(_call, one) for one in islice(waiting, 2 * workers))
        while under_way:
            yield under_way.popleft().result()
            under_way.extend(pool.submit(_call, one) for one in islice(waiting, 1))
    except BrokenProcessPool as error:
        reason = str(error.__cause__ or error).strip('"\n.').splitlines()[-1]
        raise AuroraError(
            f"a process that rendered died, most likely for want of memory ({reason}); close what "
            "else needs memory and repeat the command, or give it one core: `taskset -c 0 ...`"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_function: Callable[[Any], Any]  # of a worker: given once, it may hold a tokenizer


def _prepare(function: Callable[[Any], Any]) -> None:
    """Leave Ctrl-C to the main process, do not outlive it, and use one core."""
    global _function
    _function = function
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps freed memory for itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _call(task: Any) -> Any:
    return _function(task)
