"""The separate process: RadGraph and CheXbert under their own Python, reports in, annotations out, one JSON a line.

    python -I worker.py --weights DIR --scorers radgraph,chexbert [--radgraph-model radgraph] [--device cpu]

It runs in the environment of requirements.lock and imports nothing of this project: the standard library, torch,
transformers and radgraph, by name and only when a report is asked for.

    worker -> {"protocol": 1, "python": "3.11.7", "scorers": {"radgraph": {"identity": {...}} or {"needs": "..."}}}
    parent -> {"id": 0, "scorer": "radgraph", "texts": ["...", ...]}
    worker -> {"id": 0, "results": [...]}, or {"id": 0, "needs": "..."} where the model cannot be loaded here

The first line says what would make the numbers: versions, and sha256 of the weights. A result of RadGraph is its
``entities``; of CheXbert ``{"classes": [14 numbers], "embedding": base64 of little-endian float32}``. The worker ends
with status 0 when its input does. What packages print, and every traceback, goes to stderr.

No pickle from outside is run. CheXbert's checkpoint is read with ``torch.load(weights_only=True)``, which rebuilds
tensors and plain containers and refuses anything else; RadGraph's own loader does the same on a CPU and leaves it to
torch's default on a GPU, so torch below 2.6 is refused and the default is forced through the environment. RadGraph's
archive is unpacked here, plain files below its folder only, before its loader would unpack whatever it holds. Nothing
is downloaded: what is missing is named.
"""

import argparse
import base64
import gzip
import hashlib
import importlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any, TextIO

PROTOCOL = 1

CHEXBERT_FILE = "chexbert.pth"
CHEXBERT_ENCODER = "bert-base-uncased"
"""Folder below the weights with this model's config.json and vocab.txt; its weights are inside the checkpoint."""
RADGRAPH_MODELS = ("radgraph", "radgraph-xl", "modern-radgraph-xl")
"""Not echograph: the package 0.1.18 splits its words by the rule of another model."""
MAX_TOKENS = 512
N_HEADS = 14
TORCH_AT_LEAST = (2, 6)
TRANSFORMERS_BELOW = 5


class NeedsError(Exception):
    """A scorer cannot run here; the text says what it needs."""


class RadGraph:
    """The package radgraph with one of its models."""

    def __init__(self, weights: Path, *, model: str, device: str) -> None:
        self.folder = weights / model
        self.model = model
        self.device = device
        self._annotate: Any = None
        self.identity = {
            "scorer": "radgraph",
            "model": model,
            "versions": _versions("radgraph", "torch", "transformers"),
        }
        _check_torch(self.identity["versions"])
        major = int(self.identity["versions"]["transformers"].split(".")[0])
        if major >= TRANSFORMERS_BELOW:
            raise NeedsError(f"transformers below {TRANSFORMERS_BELOW} for radgraph, found {major}")
        self._unpack(weights / f"{model}.tar.gz")
        self.identity["weights"] = _hashed(weights, [self.folder / "weights.th", self.folder / "config.json"])

    def _unpack(self, archive: Path) -> None:
        if (self.folder / "weights.th").is_file():
            return
        if not archive.is_file():
            raise NeedsError(f"{archive.name} in the folder of weights")
        draft = self.folder.with_name(f".{self.folder.name}.draft")
        try:
            with tarfile.open(archive, "r:gz") as tar:
                _extract(tar, draft)
        except (tarfile.TarError, gzip.BadGzipFile, EOFError) as error:
            raise NeedsError(f"a whole {archive.name} whose files stay in its folder; this one: {error}") from error
        draft.replace(self.folder)

    def annotate(self, texts: list[str]) -> list[dict[str, Any]]:
        """The entities of each report; a report without text has none."""
        if self._annotate is None:
            self._annotate = self._load()
        asked = [text for text in texts if text.strip()]
        found = self._annotate(asked) if asked else {}
        entities = iter([found[str(index)]["entities"] for index in range(len(asked))])
        return [_kept(next(entities)) if text.strip() else {} for text in texts]

    def _load(self) -> Any:
        package = importlib.import_module("radgraph")
        cuda = -1 if self.device == "cpu" else int(self.device.partition(":")[2] or 0)
        try:
            return package.RadGraph(model_type=self.model, model_cache_dir=str(self.folder.parent), cuda=cuda)
        except OSError as error:  # transformers: the encoder's config and vocabulary are not in the hub's cache
            encoders = sorted(set(re.findall(r'"model_name": *"([^"]+)"', (self.folder / "config.json").read_text())))
            raise NeedsError(f"config and vocabulary of {', '.join(encoders)} in the Hugging Face cache") from error


class CheXbert:
    """CheXbert's labeler: BERT with fourteen heads, read from the published checkpoint, without its package."""

    def __init__(self, weights: Path, *, device: str) -> None:
        self.checkpoint = weights / CHEXBERT_FILE
        self.encoder = weights / CHEXBERT_ENCODER
        self.device = device
        self._model: Any = None
        self.identity = {"scorer": "chexbert", "versions": _versions("torch", "transformers")}
        _check_torch(self.identity["versions"])
        files = [self.checkpoint, self.encoder / "config.json", self.encoder / "vocab.txt"]
        self.identity["weights"] = _hashed(weights, files)

    def annotate(self, texts: list[str]) -> list[dict[str, Any]]:
        """Classes and embedding of each report; a report without text is read as an empty one."""
        torch = importlib.import_module("torch")
        if self._model is None:
            self._load(torch)
        tokens = self._tokenizer(
            [" ".join(text.split()) for text in texts],
            padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt",
        )  # fmt: skip
        with torch.inference_mode():
            states = self._model["bert"](
                tokens["input_ids"].to(self.device), attention_mask=tokens["attention_mask"].to(self.device)
            ).last_hidden_state[:, 0]
            classes = torch.stack([head(states).argmax(dim=1) for head in self._model["linear_heads"]], dim=1)
        rows = states.float().cpu().numpy().astype("<f4")
        return [
            {"classes": chosen, "embedding": base64.b64encode(row.tobytes()).decode()}
            for chosen, row in zip(classes.tolist(), rows, strict=True)
        ]

    def _load(self, torch: Any) -> None:
        transformers = importlib.import_module("transformers")
        config = transformers.BertConfig.from_pretrained(str(self.encoder))
        n_classes = [4] * (N_HEADS - 1) + [2]  # the last head, No Finding, knows only yes and no
        heads = torch.nn.ModuleList([torch.nn.Linear(config.hidden_size, n) for n in n_classes])
        model = torch.nn.ModuleDict({"bert": transformers.BertModel(config), "linear_heads": heads})
        try:
            model.load_state_dict(self._state(torch))  # strict: the package loads any file, with random weights
        except RuntimeError as error:
            raise NeedsError(f"{CHEXBERT_FILE} of CheXbert's layout: {str(error).splitlines()[1].strip()}") from error
        self._model = model.to(self.device).eval()
        self._tokenizer = transformers.BertTokenizer.from_pretrained(str(self.encoder))

    def _state(self, torch: Any) -> dict[str, Any]:
        pickle_error = importlib.import_module("pickle").UnpicklingError
        try:
            content = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except pickle_error as error:
            raise NeedsError(f"{CHEXBERT_FILE} of tensors only; this one holds other objects") from error
        state = content.get("model_state_dict", {})
        named = {name.removeprefix("module."): tensor for name, tensor in state.items()}
        named.pop("bert.embeddings.position_ids", None)  # a constant that older transformers stored
        return named


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack plain files below a folder; a link, a device or a name that leads elsewhere is refused.

    By hand: Python 3.11 has tarfile's filters from 3.11.4 on only.
    """
    for member in tar.getmembers():
        target = folder / member.name
        if member.isdir():
            continue
        if not member.isreg() or folder.resolve() not in target.resolve().parents:
            raise tarfile.ExtractError(f"{member.name!r} is no plain file below the folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tar.extractfile(member) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)


def _kept(entities: dict[str, Any]) -> dict[str, Any]:
    """What is scored of an annotation; positions are left out."""
    fields = ("tokens", "label", "relations")
    return {number: {field: one[field] for field in fields} for number, one in entities.items()}


def _versions(*packages: str) -> dict[str, str]:
    found, missing = {}, []
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        raise NeedsError(f"the packages {', '.join(missing)}, see requirements.lock")
    return found


def _check_torch(versions: dict[str, str]) -> None:
    found = tuple(int(part) for part in versions["torch"].split(".")[:2])
    if found < TORCH_AT_LEAST:
        needed = ".".join(map(str, TORCH_AT_LEAST))
        raise NeedsError(f"torch {needed} or newer, which runs no code of a checkpoint, found {versions['torch']}")


def _hashed(weights: Path, files: list[Path]) -> dict[str, str]:
    names = {file.relative_to(weights).as_posix(): file for file in files}
    missing = [name for name, file in names.items() if not file.is_file()]
    if missing:
        raise NeedsError(f"{', '.join(missing)} in the folder of weights")
    return {name: _sha256(file) for name, file in names.items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def prepare(names: list[str], *, weights: Path, radgraph_model: str, device: str) -> tuple[dict, dict]:
    """The scorers that can run here, by name, and what the first line says of all of them."""
    makers = {
        "radgraph": lambda: RadGraph(weights, model=radgraph_model, device=device),
        "chexbert": lambda: CheXbert(weights, device=device),
    }
    scorers, said = {}, {}
    for name in names:
        try:
            scorers[name] = makers[name]()
            said[name] = {"identity": scorers[name].identity}
        except NeedsError as error:
            said[name] = {"needs": str(error)}
    return scorers, said


def serve(scorers: dict[str, Any], said: dict[str, Any], requests: TextIO, answers: TextIO) -> None:
    """Say hello, then answer one request a line until the input ends."""
    _say(answers, {"protocol": PROTOCOL, "python": platform.python_version(), "scorers": said})
    for line in requests:
        request = json.loads(line)
        try:
            answer = {"results": scorers[request["scorer"]].annotate(request["texts"])}
        except NeedsError as error:
            answer = {"needs": str(error)}
        _say(answers, {"id": request["id"], **answer})


def _say(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message, allow_nan=False) + "\n")
    answers.flush()


def main() -> None:
    """Answer on what was stdout; from here on stdout is stderr, because packages print."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--scorers", default="radgraph,chexbert")
    parser.add_argument("--radgraph-model", choices=RADGRAPH_MODELS, default="radgraph")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    scorers, said = prepare(
        asked.scorers.split(","), weights=asked.weights, radgraph_model=asked.radgraph_model, device=asked.device
    )
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    serve(scorers, said, requests, answers)


if __name__ == "__main__":
    sys.exit(main())
