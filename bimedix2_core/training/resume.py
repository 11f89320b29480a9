"""Resume: checkpoints that a killed run goes on from, and the best of which stays.

A checkpoint is one safetensors file, ``step-00000056.safetensors``: the trained weights, the optimizer's state, and in
its header the run's key, the steps done and their loss. No pickle. It is written beside the others under another name,
brought to the disk, and renamed: a kill or a full disk leaves the old checkpoints as they were.

All processes of a run call the same functions; the first one writes, and says which checkpoint all of them load.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, distributed, nn
from tqdm.auto import tqdm

from bimedix2_core.errors import ModelError, ParamsError, listed
from bimedix2_core.runs import write_atomic
from bimedix2_core.training.optimizer import MasterAdamW
from bimedix2_core.training.shards import fill, gathered, named_shards

FORMAT = "1"
"""Version of what is in a file; another is another run's."""

DRAFTS = ".draft"
"""Folder of what is being written: safetensors writes under a random name of its own, which a kill leaves behind."""

FINISHED = "finished"
"""File that stands beside the checkpoints of a run whose result is saved."""

_NAME = re.compile(r"step-(\d{8})\.safetensors")
_WEIGHT = "weight:"


class Checkpoints:
    """The checkpoints of one run in one folder, which is theirs alone and seen by all processes."""

    def __init__(self, folder: Path, *, key: str, keep: int) -> None:
        """Belong to the run with this content key: its samples, settings and seed.

        Args:
            folder: made by the first save.
            key: checkpoints with another are not loaded, and removed once this run has saved one.
            keep: number of last checkpoints that stay; the one of the lowest mean loss stays besides.

        Raises:
            ParamsError: ``keep`` is below 1.
        """
        if keep < 1:
            raise ParamsError(f"keep is {keep}: a run needs at least 1 checkpoint to go on from; raise it")
        self.folder, self.key, self.keep = Path(folder), key, keep

    def load_latest(self, model: nn.Module, optimizer: MasterAdamW) -> int:
        """Restore weights and optimizer in place from the last whole checkpoint of this run.

        Files that cannot be read whole are passed over, with a message.

        Returns:
            Number of steps done; 0 where there is no such checkpoint, and nothing is changed then.

        Raises:
            ModelError: the checkpoint does not fit the model or the optimizer.
        """
        latest = _from_first_process(self._latest() if _rank() == 0 else None)
        if latest is None:
            return 0
        name, step = latest
        weights, state = _read(self.folder / name)
        _load(model, weights, file=self.folder / name)
        optimizer.load_state(state)
        return step

    def save(self, model: nn.Module, optimizer: MasterAdamW, *, step: int, mean_loss: float) -> None:
        """Add a checkpoint, then remove those that need not stay.

        Args:
            model: its weights that require a gradient are saved.
            optimizer: whose state is saved beside them.
            step: number of steps done.
            mean_loss: since the checkpoint before, in nats; the best checkpoint is the one with the lowest.

        Raises:
            ModelError: it cannot be written, for want of room or otherwise; on every process. The older checkpoints
                stay, and the message says from which step the run can go on.
        """
        trained = {name: weight for name, weight in named_shards(model).items() if weight.requires_grad}
        whole = _on_first_process({f"{_WEIGHT}{name}": weight for name, weight in trained.items()} | optimizer.state())
        header = _Header(self.folder / f"step-{step:08}.safetensors", step, self.key, mean_loss)
        problem = _from_first_process(self._add(header, whole) if _rank() == 0 else None)
        if problem is not None:
            raise ModelError(problem)

    def _latest(self) -> tuple[str, int] | None:
        """Name and step of the checkpoint to go on from."""
        _clear_finished(self.folder)
        files = _files(self.folder)
        headers = _headers(files)
        for file in sorted({*files} - {header.file for header in headers}):
            tqdm.write(f"{file.name}: no whole checkpoint, so it is passed over")
        own = [header for header in headers if header.key == self.key]
        if headers and not own:
            tqdm.write(f"{headers[-1].file.name}: made from other data or settings; starting anew")
        return (own[-1].file.name, own[-1].step) if own else None

    def _add(self, header: "_Header", tensors: Mapping[str, Tensor]) -> str | None:
        """Write, then prune; or return what went wrong."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            _write(header, tensors)
        except (OSError, SafetensorError) as error:
            return self._cannot_write(header, _n_bytes(tensors), error)
        self._prune()
        return None

    def _prune(self) -> None:
        own = [header for header in _headers(_files(self.folder)) if header.key == self.key]
        kept = {header.file for header in [*own[-self.keep :], _lowest(own)]}
        for file in _files(self.folder):
            if file not in kept:
                file.unlink()

    def _cannot_write(self, header: "_Header", n_bytes: int, error: Exception) -> str:
        own = [other.step for other in _headers(_files(self.folder)) if other.key == self.key]
        remedy = f"go on from step {own[-1]}" if own else "begin anew, as it has no checkpoint yet"
        return (
            f"{header.file.name} cannot be written: {error}; it needs {n_bytes:,} bytes, and {self.folder} has "
            f"{_n_free(self.folder):,} free; make room and start the run again: it will {remedy}"
        )


def mark_finished(folder: Path) -> None:
    """Say that the run's result is saved: its checkpoints stay, and the next run in this folder begins anew."""
    write_atomic(folder / FINISHED, "")


def best(folder: Path) -> Path | None:
    """The checkpoint with the lowest mean loss of the run that saved last, the earlier of two; None without any."""
    headers = _headers(_files(Path(folder)))
    if not headers:
        return None
    last = max(headers, key=lambda header: header.file.stat().st_mtime_ns)
    return _lowest([header for header in headers if header.key == last.key]).file


def load_weights(model: nn.Module, file: Path) -> None:
    """Copy a checkpoint's weights into the model, which keeps its dtypes and devices.

    Call it before an optimizer is made: masters are copies of the weights.

    Raises:
        ModelError: the file cannot be read whole, or its weights are not those of the model; nothing is changed then.
    """
    _load(model, _read(Path(file))[0], file=Path(file))


@dataclass(frozen=True)
class _Header:
    """What a checkpoint says of itself."""

    file: Path
    step: int
    key: str
    mean_loss: float


def _files(folder: Path) -> list[Path]:
    """Everything that is named like a checkpoint, in the order of the steps."""
    return sorted(file for file in folder.glob("step-*") if _NAME.fullmatch(file.name))


def _headers(files: Sequence[Path]) -> list[_Header]:
    """What those of the files say that are whole checkpoints."""
    return [header for header in map(_header, files) if header is not None]


def _header(file: Path) -> _Header | None:
    """None for another format, and for a file that is not as long as safetensors' own header says."""
    try:
        with safe_open(file, framework="pt") as stored:
            metadata = stored.metadata() or {}
    except (OSError, SafetensorError):
        return None
    if metadata.get("format") != FORMAT:
        return None
    return _Header(file, int(metadata["step"]), metadata["key"], float(metadata["mean_loss"]))


def _clear_finished(folder: Path) -> None:
    """Remove what a finished run left; the mark goes last, so that a kill in between changes nothing."""
    if (folder / FINISHED).exists():
        for file in _files(folder):
            file.unlink()
        (folder / FINISHED).unlink()


def _lowest(headers: Sequence[_Header]) -> _Header:
    return min(headers, key=lambda header: (header.mean_loss, header.step))


def _read(file: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights by their names, and the optimizer's state."""
    try:
        with safe_open(file, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{file}: no whole checkpoint ({error}); take one that `best` names, in a folder that all processes see"
        ) from None
    weights = {name.removeprefix(_WEIGHT): tensors.pop(name) for name in list(tensors) if name.startswith(_WEIGHT)}
    return weights, tensors


def _write(header: _Header, tensors: Mapping[str, Tensor]) -> None:
    """The file appears whole or not at all.

    Raises:
        OSError, SafetensorError: it cannot be written; nothing is left of it then.
    """
    folder, drafts = header.file.parent, header.file.parent / DRAFTS
    shutil.rmtree(drafts, ignore_errors=True)  # what a killed run left
    try:
        drafts.mkdir()
        if _n_bytes(tensors) > _n_free(folder):
            raise OSError("there is not enough room")
        draft = drafts / header.file.name
        metadata = {"format": FORMAT, "key": header.key, "step": str(header.step), "mean_loss": repr(header.mean_loss)}
        save_file(dict(tensors), draft, metadata)
        _to_disk(draft)
        draft.replace(header.file)
        _to_disk(folder)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


def _to_disk(path: Path) -> None:
    """Wait until the disk has a file's content, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _n_bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def _n_free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _load(model: nn.Module, weights: Mapping[str, Tensor], *, file: Path) -> None:
    own = named_shards(model)
    missing = sorted(name for name, weight in own.items() if weight.requires_grad and name not in weights)
    odd = [name for name, weight in weights.items() if name not in own or own[name].shape != weight.shape]
    if missing or odd:
        raise ModelError(
            f"{file.name} does not fit the model: it is without {listed(missing) or 'none'} of the trained weights, "
            f"and the model has not, or in another shape, {listed(odd) or 'none'}; take the model and the adapter "
            "settings it was made with"
        )
    for name, weight in weights.items():
        fill(own[name], weight)


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def _from_first_process(value: Any) -> Any:
    """What the first process has, on every process: the others wait for it here."""
    if not distributed.is_initialized():
        return value
    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]


def _on_first_process(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The whole tensors on the CPU; sharded ones are gathered one by one, and the other processes keep nothing."""
    whole = {}
    for name, tensor in tensors.items():
        value = gathered(tensor)
        if _rank() == 0:
            whole[name] = value.cpu().contiguous()
    return whole
