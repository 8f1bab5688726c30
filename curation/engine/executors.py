"""Who does the work: this machine's processes, or a Ray cluster. Both run the same functions."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, TypeVar

from schemas.errors import AuroraError

Engine = Literal["local", "ray"]
Task = TypeVar("Task")
Result = TypeVar("Result")


def execute(
    engine: Engine,
    workers: int,
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    done: Callable[[], None],
) -> list[Result]:
    """Apply `function` to every task; results are in the order of the tasks.

    `done` is called after each. `function` keeps its result in a checkpoint, so that a repeated
    run finds what was finished.
    """
    run = _ray if engine == "ray" else _local if workers > 1 and len(tasks) > 1 else _inline
    results: dict[int, Result] = {}
    for number, result in run(workers, function, tasks):
        results[number] = result
        done()
    return [results[number] for number in range(len(tasks))]


def _inline(
    _: int, function: Callable[..., Any], tasks: Sequence[Any]
) -> Iterator[tuple[int, Any]]:
    for number, task in enumerate(tasks):
        yield number, function(task)


def _local(
    workers: int, function: Callable[..., Any], tasks: Sequence[Any]
) -> Iterator[tuple[int, Any]]:
    # Spawned, not forked: Arrow and polars keep threads, and a forked thread pool hangs.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _prepare_worker)
    try:
        futures = {pool.submit(function, task): number for number, task in enumerate(tasks)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise AuroraError(
            "a worker process died, most likely for want of memory; run the same command again "
            "with --workers 1, it goes on where it stopped"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare_worker() -> None:
    """Leave Ctrl-C to the main process, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _ray(
    workers: int, function: Callable[..., Any], tasks: Sequence[Any]
) -> Iterator[tuple[int, Any]]:
    """Tasks on a Ray cluster whose nodes share the output folder's file system."""
    try:
        import ray
    except ImportError as error:
        raise AuroraError(
            "--engine ray needs Ray; install it with: pip install 'aurora-zh[ray]'"
        ) from error
    if not ray.is_initialized():
        # A cluster that RAY_ADDRESS names has its own size.
        own_size = None if os.environ.get("RAY_ADDRESS") else workers
        ray.init(num_cpus=own_size, include_dashboard=False, log_to_driver=False)
    remote = ray.remote(max_retries=1)(function)
    pending = {remote.remote(task): number for number, task in enumerate(tasks)}
    while pending:
        (finished,), _ = ray.wait(list(pending), num_returns=1)
        try:
            yield pending.pop(finished), ray.get(finished)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise AuroraError(
                f"Ray lost a task ({type(error).__name__}); run the same command again, it goes on "
                "where it stopped"
            ) from None
