"""The trained model on disk: a folder of plain arrays and a manifest, written whole or not at all.

``MODELS/<id>/manifest.json``, one ``<recommender>.npz`` each (no pickle), and the boosted models as text; the file
``MODELS/current`` names the one in force. A broken artefact is passed over for the newest good one.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import ModelError
from recommenders.boosting import Boosted
from recommenders.calibration import Calibration, Curve
from recommenders.choice import Choice
from recommenders.churn import Churn
from recommenders.contract import Arrays, Recommender, Trainable
from recommenders.demand import Demand
from recommenders.features import FeatureSchema
from recommenders.ranker import Ranker
from recommenders.segments import Segment, Segments

KEPT: Final = 3
CURVES: Final = "calibration"
RANKER: Final = "ranker"
BOOSTED: Final = ("pairs", "counts")
CHOICE: Final = "choice:"
CHURN: Final = "churn.txt"
DEMAND: Final = "demand.forecast.npz"
SEGMENTS: Final = "segments.centres.npz"


@dataclass(frozen=True)
class Model:
    """What training learnt.

    Attributes:
        arrays: each trainable recommender's own, by its name.
        ranker: None where there was nothing to learn from.
        learnt_from: what the manifest tells of the data: customers, holdings, date range.
        churn, demand, segments: None where there was too little to learn from; the ranker's card says why.
    """

    product_codes: tuple[str, ...]
    as_of: date
    arrays: Mapping[str, Arrays]
    calibration: Calibration = field(default_factory=Calibration)
    ranker: Ranker | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    learnt_from: Mapping[str, Any] = field(default_factory=dict)
    churn: Churn | None = None
    demand: Demand | None = None
    segments: Segments | None = None
    model_id: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}")

    def apply(self, recommenders: Sequence[Recommender]) -> list[Recommender]:
        """Give the trainable recommenders what they learnt, and leave out those that learnt nothing."""
        applied: list[Recommender] = []
        for recommender in recommenders:
            if not isinstance(recommender, Trainable):
                applied.append(recommender)
            elif recommender.name in self.arrays and self.versions.get(recommender.name) == recommender.version:
                applied.append(recommender.with_arrays(self.arrays[recommender.name], self.product_codes))
        return applied


def save(models: Path, model: Model) -> Path:
    """Write an artefact and put it in force; older ones but the last three are removed.

    Raises:
        ModelError: it cannot be written; what was in force stays.
    """
    unfinished = models / f".{model.model_id}"
    try:
        unfinished.mkdir(parents=True)
        _write(unfinished, model)
        unfinished.rename(models / model.model_id)
        _replace(models / "current", model.model_id)
        for old in _ids(models)[:-KEPT]:
            shutil.rmtree(models / old)
    except OSError as error:
        raise ModelError(f"The model cannot be written to {models}: {error.strerror}. The last one stays.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return models / model.model_id


def load_current(models: Path) -> Model | None:
    """Return the model in force, or the newest good one where that is broken; None where there was never one.

    Raises:
        ModelError: there are artefacts, and every one is broken.
    """
    ids = _ids(models)
    current = current_id(models)
    last: Exception | None = None
    for model_id in ([current] if current in ids else []) + [other for other in reversed(ids) if other != current]:
        try:
            return _read(models / model_id)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            last = error
    if last is not None:
        raise ModelError(f"Every model in {models} is broken ({last}); run guanxi train.") from last
    return None


def current_id(models: Path) -> str | None:
    """Return the id of the artefact in force, without reading it; None where no file says so."""
    try:
        return (models / "current").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _ids(models: Path) -> list[str]:
    if not models.is_dir():
        return []
    return sorted(path.name for path in models.iterdir() if path.is_dir() and not path.name.startswith("."))


def _write(folder: Path, model: Model) -> None:
    curves: dict[str, NDArray[np.float32]] = {}
    for name, curve in model.calibration.curves.items():
        curves |= {f"{name}|edges": curve.edges, f"{name}|rates": curve.rates}
    digests = {name: _write_arrays(folder / f"{name}.npz", arrays) for name, arrays in model.arrays.items()}
    digests[CURVES] = _write_arrays(folder / f"{CURVES}.npz", curves)
    manifest: dict[str, Any] = {
        "as_of": model.as_of.isoformat(),
        "product_codes": model.product_codes,
        "versions": dict(model.versions),
        "learnt_from": dict(model.learnt_from),
        "sha256": digests,
        "ranker": _write_ranker(folder, model.ranker) if model.ranker else None,
        "churn": _write_churn(folder, model.churn) if model.churn else None,
        "demand": _write_demand(folder, model.demand) if model.demand else None,
        "segments": _write_segments(folder, model.segments) if model.segments else None,
    }
    with (folder / "manifest.json").open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def _write_ranker(folder: Path, ranker: Ranker) -> dict[str, Any]:
    arrays: dict[str, NDArray[np.generic]] = {"popularity": ranker.popularity, "corrections": ranker.corrections}
    if ranker.choice is not None:
        arrays |= {f"{CHOICE}{name}": array for name, array in ranker.choice.as_arrays().items()}
    boosted = {name: model.text for name in BOOSTED if (model := getattr(ranker, name)) is not None}
    return {
        "schema": ranker.schema.as_json(),
        "period_months": ranker.period_months,
        "stack": dict(ranker.stack),
        "rate": ranker.rate,
        "card": dict(ranker.card),
        "sha256": _write_arrays(folder / f"{RANKER}.npz", arrays),
        "boosted": {name: _write_text(folder / f"{name}.txt", text) for name, text in boosted.items()},
    }


def _read_ranker(folder: Path, told: Mapping[str, Any]) -> Ranker:
    arrays = _read_arrays(folder / f"{RANKER}.npz", told["sha256"])
    choice = {name.removeprefix(CHOICE): array for name, array in arrays.items() if name.startswith(CHOICE)}
    boosted = {name: Boosted(_read_text(folder / f"{name}.txt", digest)) for name, digest in told["boosted"].items()}
    return Ranker(
        schema=FeatureSchema.from_json(told["schema"]),
        period_months=told["period_months"],
        popularity=arrays["popularity"],
        stack=told["stack"],
        rate=told["rate"],
        corrections=arrays["corrections"],
        choice=Choice.from_arrays(choice) if choice else None,
        card=told["card"],
        **boosted,
    )


def _write_churn(folder: Path, churn: Churn) -> dict[str, Any]:
    own = {name: getattr(churn, name) for name in ("horizon_months", "rate", "intercept", "slope")}
    return own | {"sha256": _write_text(folder / CHURN, churn.model.text) if churn.model else None}


def _read_churn(folder: Path, told: Mapping[str, Any], schema: FeatureSchema) -> Churn:
    digest, own = told["sha256"], {name: value for name, value in told.items() if name != "sha256"}
    return Churn(schema, model=Boosted(_read_text(folder / CHURN, digest)) if digest else None, **own)


def _write_demand(folder: Path, demand: Demand) -> dict[str, Any]:
    arrays: Arrays = {name: getattr(demand, name) for name in ("expected", "low", "high")}
    return {"first": demand.first.isoformat(), "sha256": _write_arrays(folder / DEMAND, arrays)}


def _read_demand(folder: Path, told: Mapping[str, Any]) -> Demand:
    return Demand(date.fromisoformat(told["first"]), **_read_arrays(folder / DEMAND, told["sha256"]))


def _write_segments(folder: Path, segments: Segments) -> dict[str, Any]:
    arrays: Arrays = {name: getattr(segments, name) for name in ("typical", "means", "scales", "centres")}
    described = [{"code": s.code, "name": dict(s.name), "share": s.share, "profile": [dict(p) for p in s.profile]}
                 for s in segments.described]  # fmt: skip
    return {"names": segments.names, "described": described, "sha256": _write_arrays(folder / SEGMENTS, arrays)}


def _read_segments(folder: Path, told: Mapping[str, Any], schema: FeatureSchema) -> Segments:
    described = [Segment(s["code"], s["name"], s["share"], tuple(s["profile"])) for s in told["described"]]
    arrays = _read_arrays(folder / SEGMENTS, told["sha256"])
    return Segments(schema, tuple(told["names"]), described=tuple(described), **arrays)


def _write_text(path: Path, text: str) -> str:
    return _write_bytes(path, text.encode())


def _read_text(path: Path, digest: str) -> str:
    return _read_bytes(path, digest).decode()


def _write_arrays(path: Path, arrays: Arrays) -> str:
    whole = io.BytesIO()
    np.savez(whole, allow_pickle=False, **arrays)
    return _write_bytes(path, whole.getvalue())


def _write_bytes(path: Path, content: bytes) -> str:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def _read(folder: Path) -> Model:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    arrays = {name: _read_arrays(folder / f"{name}.npz", digest) for name, digest in manifest["sha256"].items()}
    curves = arrays.pop(CURVES)
    names = {key.rpartition("|")[0] for key in curves}
    ranker = _read_ranker(folder, manifest["ranker"]) if manifest["ranker"] else None
    churn, demand, segments = (manifest.get(name) for name in ("churn", "demand", "segments"))
    return Model(
        product_codes=tuple(manifest["product_codes"]),
        as_of=date.fromisoformat(manifest["as_of"]),
        arrays=arrays,
        calibration=Calibration({n: Curve(curves[f"{n}|edges"], curves[f"{n}|rates"]) for n in sorted(names)}),
        ranker=ranker,
        churn=_read_churn(folder, churn, ranker.schema) if churn and ranker else None,
        demand=_read_demand(folder, demand) if demand else None,
        segments=_read_segments(folder, segments, ranker.schema) if segments and ranker else None,
        versions=manifest["versions"],
        learnt_from=manifest["learnt_from"],
        model_id=folder.name,
    )


def _read_arrays(path: Path, digest: str) -> dict[str, Any]:
    with np.load(io.BytesIO(_read_bytes(path, digest)), allow_pickle=False) as arrays:
        return dict(arrays)


def _read_bytes(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{path.name} is not what was written")
    return content
