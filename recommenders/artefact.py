"""The trained model on disk: a folder of plain arrays and a manifest, written whole or not at all.

``MODELS/<id>/manifest.json``, one ``<recommender>.npz`` each (no pickle), and the boosted models as text; the file
``MODELS/current`` names the one in force. A broken artefact is passed over for the last good one that was in force, or
else for the newest good one.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import ModelError
from recommenders.boosting import Boosted
from recommenders.calibration import Calibration, Curve
from recommenders.card import Card
from recommenders.choice import Choice
from recommenders.churn import Churn
from recommenders.contract import Arrays, Recommender, Trainable, check_arrays, text_from
from recommenders.demand import Demand
from recommenders.failing import Failed, logged
from recommenders.features import LAYOUT, FeatureSchema
from recommenders.history import How, ids, lives, previous, put_in_force, stack
from recommenders.history import current_id as current_id
from recommenders.insight import Segment
from recommenders.ranker import Ranker
from recommenders.segments import Segments

KEPT: Final = 5
"""How many of the newest artefacts are kept, beside the one in force and the one before it."""
BROKEN: Final = (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile)
CURVES: Final = "calibration"
RANKER: Final = "ranker"
BOOSTED: Final = ("pairs", "counts")
CHOICE: Final = "choice:"
AGGREGATE: Final = "bank-"
CHURN: Final = "churn.txt"
DEMAND: Final = "demand.forecast.npz"
SEGMENTS: Final = "segments.centres.npz"


@dataclass(frozen=True)
class Model:
    """What training learnt.

    Attributes:
        arrays: each trainable recommender's own, by its name.
        ranker: None where there was nothing to learn from.
        aggregates: what holds for the whole bank and is nobody's score: ``similar`` products, ``trends``.
        learnt_from: what the manifest tells of the data: customers, holdings, date range.
        training: what it tells of the training: when, with which recommenders, without which columns, under which
            purpose limits, how long it took, and what the ranker was measured on; see ``Card``. And which recommenders
            learnt nothing, in which version, and why, in words that quote nobody.
        churn, demand, segments: None where there was too little to learn from; the ranker's card says why.
    """

    product_codes: tuple[str, ...]
    as_of: date
    arrays: Mapping[str, Arrays]
    calibration: Calibration = field(default_factory=Calibration)
    ranker: Ranker | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    learnt_from: Mapping[str, Any] = field(default_factory=dict)
    aggregates: Mapping[str, Arrays] = field(default_factory=dict)
    churn: Churn | None = None
    demand: Demand | None = None
    segments: Segments | None = None
    model_id: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    training: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def card(self) -> Card:
        """What is told of it."""
        return Card.of(self.model_id, _manifest(self))

    def apply(self, recommenders: Sequence[Recommender], failed: Failed = logged) -> list[Recommender]:
        """Give the trainable recommenders what they learnt, and leave out those that learnt nothing, or cannot use it.

        ``failed`` is told of each that cannot.
        """
        same = [
            recommender
            for recommender in recommenders
            if not isinstance(recommender, Trainable) or self.versions.get(recommender.name) == recommender.version
        ]
        return applied(same, self.arrays, self.product_codes, failed)


def applied(
    recommenders: Sequence[Recommender],
    arrays: Mapping[str, Arrays],
    product_codes: Sequence[str],
    failed: Failed = logged,
) -> list[Recommender]:
    """Give the trainable recommenders the arrays of their name, and leave out those that have none, or fail at it."""
    able = []
    for recommender in recommenders:
        if not isinstance(recommender, Trainable):
            able.append(recommender)
        elif recommender.name in arrays:
            try:
                able.append(recommender.with_arrays(arrays[recommender.name], product_codes))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may choke in any way on what it learnt
                failed(recommender, error)
    return able


def save(models: Path, model: Model, *, live: bool = True) -> Path:
    """Write an artefact and, where it is to be ``live``, put it in force; then old ones are removed.

    Raises:
        ModelError: it cannot be written; what was in force stays.
    """
    unfinished = models / f".{model.model_id}"
    try:
        unfinished.mkdir(parents=True)
        _write(unfinished, model)
        unfinished.rename(models / model.model_id)
        if live:
            put_in_force(models, model.model_id, "trained")
    except OSError as error:
        raise ModelError(f"The model cannot be written to {models}: {error.strerror}. The last one stays.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    _remove_old(models)
    return models / model.model_id


def promote(models: Path, model_id: str, how: How = "promoted", *, confined: Collection[str] = ()) -> Model:
    """Put an artefact in force, and return it.

    Raises:
        ModelError: there is none of this id, it is broken, it has learnt of data that is ``confined``, or it cannot be
            put in force; what was in force stays.
    """
    model = read(models, model_id, confined=confined)
    try:
        put_in_force(models, model_id, how)
    except OSError as error:
        raise ModelError(f"{models} cannot be written: {error.strerror}. The last model stays.") from error
    return model


def read(models: Path, model_id: str, *, confined: Collection[str] = ()) -> Model:
    """Return a model by its id.

    Raises:
        ModelError: there is none of this id, it is broken, or it has learnt of data that is ``confined``.
    """
    if model_id not in ids(models):
        raise ModelError(f"There is no model {model_id!r}; guanxi models lists those there are.")
    try:
        return _read(models / model_id, confined)
    except BROKEN as error:
        raise ModelError(f"The model {model_id} is broken ({_told(error)}); promote another, or train anew.") from error


def roll_back(models: Path, *, confined: Collection[str] = ()) -> Model:
    """Put the artefact in force that was so before, and return it.

    Raises:
        ModelError: none was, it is gone, it is broken, it has learnt of data that is ``confined``, or it cannot be put
            in force; what was in force stays.
    """
    before = previous(models)
    if before is None:
        raise ModelError("No model was in force before this one; promote one that guanxi models lists.")
    return promote(models, before, "rolled back", confined=confined)


def load_current(models: Path, *, confined: Collection[str] = ()) -> Model | None:
    """Return the model in force, or the last good one where that is broken; None where there was never one.

    One that has learnt of kinds of data that are ``confined`` counts as broken.

    Raises:
        ModelError: there are artefacts, and every one is broken.
    """
    there = ids(models)
    last: Exception | None = None
    told = lives(models)
    were = [*reversed(stack(told)), *(life.model_id for life in reversed(told))]
    for model_id in dict.fromkeys([*(known for known in were if known in there), *reversed(there)]):
        try:
            return _read(models / model_id, confined)
        except BROKEN as error:
            last = error
    if last is not None:
        raise ModelError(f"Every model in {models} is broken ({last}); run guanxi train.") from last
    return None


def read_card(models: Path, model_id: str) -> Card:
    """Return an artefact's card, from its manifest alone.

    Raises:
        ModelError: there is none of this id, or its manifest is broken.
    """
    if model_id not in ids(models):
        raise ModelError(f"There is no model {model_id!r}; guanxi models lists those there are.")
    try:
        return Card.of(model_id, json.loads((models / model_id / "manifest.json").read_text(encoding="utf-8")))
    except BROKEN as error:
        raise ModelError(f"The model {model_id} is broken ({_told(error)}); promote another, or train anew.") from error


def fault(models: Path, model_id: str, *, confined: Collection[str] = ()) -> str | None:
    """Return what is wrong with an artefact; None where it is whole, and has learnt of nothing ``confined``."""
    try:
        _read(models / model_id, confined)
    except BROKEN as error:
        return _told(error)
    return None


def _told(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"its manifest lacks {error}"
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)


def _remove_old(models: Path) -> None:
    """Remove all but the newest, the one in force, and the one that a rollback would put in force."""
    with suppress(OSError):  # what cannot be removed now will be another time
        for old in ids(models)[:-KEPT]:
            if old not in {current_id(models), previous(models)}:
                shutil.rmtree(models / old)


def _write(folder: Path, model: Model) -> None:
    curves: dict[str, NDArray[np.float32]] = {}
    for name, curve in model.calibration.curves.items():
        curves |= {f"{name}|edges": curve.edges, f"{name}|rates": curve.rates}
    digests = {name: _write_arrays(folder / f"{name}.npz", arrays) for name, arrays in model.arrays.items()}
    digests[CURVES] = _write_arrays(folder / f"{CURVES}.npz", curves)
    manifest = _manifest(model) | {"sha256": digests}
    if model.ranker is not None:
        manifest["ranker"] |= _write_ranker(folder, model.ranker)
    manifest["aggregates"] = {
        name: _write_arrays(folder / f"{AGGREGATE}{name}.npz", arrays) for name, arrays in model.aggregates.items()
    }
    manifest |= {
        "churn": _write_churn(folder, model.churn) if model.churn else None,
        "demand": _write_demand(folder, model.demand) if model.demand else None,
        "segments": _write_segments(folder, model.segments) if model.segments else None,
    }
    with (folder / "manifest.json").open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def _manifest(model: Model) -> dict[str, Any]:
    """Everything but what is in other files, and their digests."""
    ranker = model.ranker
    return {
        "as_of": model.as_of.isoformat(),
        "product_codes": model.product_codes,
        "versions": dict(model.versions),
        "learnt_from": dict(model.learnt_from),
        "training": dict(model.training),
        "ranker": {
            "layout": LAYOUT,
            "schema": ranker.schema.as_json(),
            "period_months": ranker.period_months,
            "stack": dict(ranker.stack),
            "rate": ranker.rate,
            "card": dict(ranker.card),
        }
        if ranker
        else None,
    }


def _write_ranker(folder: Path, ranker: Ranker) -> dict[str, Any]:
    arrays: dict[str, NDArray[np.generic]] = {"popularity": ranker.popularity, "corrections": ranker.corrections}
    if ranker.choice is not None:
        arrays |= {f"{CHOICE}{name}": array for name, array in ranker.choice.as_arrays().items()}
    boosted = {name: model.text for name in BOOSTED if (model := getattr(ranker, name)) is not None}
    return {
        "sha256": _write_arrays(folder / f"{RANKER}.npz", arrays),
        "boosted": {name: _write_text(folder / f"{name}.txt", text) for name, text in boosted.items()},
    }


def _read_ranker(folder: Path, told: Mapping[str, Any]) -> Ranker:
    if told.get("layout") != LAYOUT:
        raise ValueError("it was trained by a guanxi that made other features")
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
    described = [Segment(s["code"], text_from(s["name"]), s["share"], tuple(map(text_from, s["profile"])))
                 for s in told["described"]]  # fmt: skip
    arrays = _read_arrays(folder / SEGMENTS, told["sha256"])
    return Segments(schema, tuple(told["names"]), described=tuple(described), **arrays)


def _write_text(path: Path, text: str) -> str:
    return _write_bytes(path, text.encode())


def _read_text(path: Path, digest: str) -> str:
    return _read_bytes(path, digest).decode()


def as_kept(arrays: Arrays) -> Arrays:
    """Return what was learnt as it comes back from an artefact; raises NotLearnt where it cannot be kept."""
    check_arrays(arrays)
    return _unpacked(_packed(arrays))


def _write_arrays(path: Path, arrays: Arrays) -> str:
    return _write_bytes(path, _packed(arrays))


def _packed(arrays: Arrays) -> bytes:
    """Return a file as ``numpy.savez`` makes it, which takes some names for its own parameters."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        for name, array in arrays.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, np.asanyarray(array), allow_pickle=False)
    return whole.getvalue()


def _write_bytes(path: Path, content: bytes) -> str:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def _read(folder: Path, confined: Collection[str]) -> Model:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    learnt = set(confined) - set(manifest.get("training", {}).get("purpose_limits", ()))
    if learnt:
        raise ValueError(f"it may have learnt of {', '.join(sorted(learnt))}, which purpose limits now confine")
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
        aggregates={
            name: _read_arrays(folder / f"{AGGREGATE}{name}.npz", digest)
            for name, digest in manifest.get("aggregates", {}).items()
        },
        model_id=folder.name,
        training=manifest.get("training", {}),
    )


def _read_arrays(path: Path, digest: str) -> dict[str, Any]:
    return _unpacked(_read_bytes(path, digest))


def _unpacked(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _read_bytes(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{path.name} is not what was written")
    return content
