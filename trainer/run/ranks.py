"""One process or several: training as one of the processes that `torchrun` starts.

Each process takes its share of every batch and torch's DistributedDataParallel averages the
gradients, so that all hold equal weights. Batch normalisation normalises with the statistics of a
process's own share (a share of 16 windows still has hundreds of segments); the running statistics,
which validation and deployment use, are the first process's. Only the first one writes and prints.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that `torchrun` started: NCCL between GPUs, Gloo otherwise."""
    if not distributed.is_torchelastic_launched():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(device())
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def device() -> torch.device:
    """The process's GPU where there is one, the CPU otherwise."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def rank() -> int:
    """Which process this is, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def wait() -> None:
    """Wait until every process is here."""
    if count() > 1:
        distributed.barrier()


def averaged(lesson: nn.Module) -> nn.Module:
    """The lesson with gradients averaged over the processes."""
    if count() == 1:
        return lesson
    return DistributedDataParallel(lesson, [device()] if torch.cuda.is_available() else None)


def share_buffers(model: nn.Module) -> None:
    """Give every process the first one's buffers: the running statistics."""
    if count() > 1:
        for buffer in model.buffers():
            distributed.broadcast(buffer, 0)


def from_first(compute: Callable[[], T]) -> T:
    """What the first process computes, for all."""
    if count() == 1:
        return compute()
    answer: list[Any] = [compute() if rank() == 0 else None]
    distributed.broadcast_object_list(answer, 0)
    found: T = answer[0]
    return found
