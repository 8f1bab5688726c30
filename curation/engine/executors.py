"""Who does the work: this machine's processes, or a Ray cluster. Both run the same functions."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, TypeVar

import pyarrow as pa

from schemas.errors import AuroraError

Engine = Literal["local", "ray"]
Task = TypeVar("Task")
Result = TypeVar("Result")


class Executor:
    """Applies functions to tasks. Its worker processes live as long as the `with` block.

    The functions keep their results in checkpoints, so that a repeated run finds what was finished.
    """

    def __init__(self, engine: Engine, workers: int) -> None:
        self._engine, self._workers = engine, workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        done: Callable[[], None] = lambda: None,
    ) -> list[Result]:
        """The result of every task, in the order of the tasks; `done` is called after each."""
        results: dict[int, Result] = {}
        for number, result in self._run(function, tasks):
            results[number] = result
            done()
        return [results[number] for number in range(len(tasks))]

    def _run(self, function: Callable[..., Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        if self._engine == "ray":
            return _ray(self._workers, function, tasks)
        if self._workers == 1 or (self._pool is None and len(tasks) < 2):
            return enumerate(map(function, tasks))
        return self._local(function, tasks)

    def _local(
        self, function: Callable[..., Any], tasks: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        if self._pool is None:
            # Spawned, not forked: Arrow and polars keep threads, and a forked thread pool hangs.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _prepare_worker)
        futures = {self._pool.submit(function, task): number for number, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise AuroraError(
                "a worker process died, most likely for want of memory; run the same command again "
                "with --workers 1, it goes on where it stopped"
            ) from error


def _prepare_worker() -> None:
    """Leave Ctrl-C to the main process, do not outlive it, and give back what a chunk needed."""
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps freed memory for itself
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
