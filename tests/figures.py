"""Figures of a model as evaluate.py writes them, for tests of what is made of them."""

from __future__ import annotations

from diat.evaluation.metrics import Estimate
from diat.evaluation.results import (
    Conditions,
    CurvePoint,
    Fidelity,
    Group,
    JudgeAccuracy,
    ModelFigures,
    Report,
    Success,
)


def some(value: float) -> Estimate:
    return Estimate(value, value - 0.02, value + 0.02, 300)


NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0)
FIGURES = ModelFigures(
    run="DIAT3",
    variant="DIAT3 paper",
    attribute="mouth_close",
    column="Mouth_Slightly_Open",
    count=300,
    conditions=Conditions({"model.safetensors": "abc"}, (0.5,), False),
    success=Success(some(0.75), some(0.125), NOTHING),
    drift=some(0.0625),
    identity=some(0.875),
    verified=some(0.96),
    identity_threshold=0.4,
    outside=Fidelity(some(99), some(0.97)),
    kept=Fidelity(NOTHING, NOTHING),
    groups={"women": Group(some(0.5), some(0.9))},
    curve=(CurvePoint(0.5, 0.25, 0.95, 0.99),),
    sheets="DIAT3",
)
REPORT = Report("celeba", "valid", 310, 10, {"Mouth_Slightly_Open": JudgeAccuracy(0.9, 0.915)}, (FIGURES,))
