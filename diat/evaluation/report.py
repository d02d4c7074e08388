"""The figures of evaluate.py as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diat.evaluation.metrics import FID_COUNT, Estimate
from diat.evaluation.results import BaselineFigures, ModelFigures, Report

MISSING = "-"  # in a cell


def percent(estimate: Estimate | None) -> str:
    """A share in percent with its interval."""
    if estimate is None:
        return MISSING
    return f"{100 * estimate.value:.1f} ({100 * estimate.low:.0f}-{100 * estimate.high:.0f})"


def plain(estimate: Estimate) -> str:
    """A mean with its interval, which one case alone does not have."""
    interval = f" ({estimate.low:.3f}-{estimate.high:.3f})" if estimate.count > 1 else ""
    return f"{estimate.value:.3f}{interval}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def user_table(models: Iterable[ModelFigures]) -> str:
    """What users get, a row a model: the photograph with the change pasted back into it."""
    head = ["run", "variant", "attribute", "n", "success %", "untouched / real %", "second opinion %", "drift %",
            "identity", "verified %", "outside mask dB", "already so: dB / SSIM", "KID / floor"]  # fmt: skip
    return markdown_table(
        head,
        [
            [
                m.run,
                m.variant or MISSING,
                m.attribute,
                m.count,
                percent(m.success.edited),
                f"{100 * m.success.untouched.value:.1f} / {100 * m.success.real.value:.1f}",
                percent(m.second.success.edited if m.second else None),
                f"{100 * m.drift.value:.1f}",
                plain(m.identity),
                percent(m.verified),
                f"{m.outside.psnr.value:.0f}",
                f"{m.kept.psnr.value:.1f} / {m.kept.ssim.value:.3f}",
                f"{m.realism.kid:.1f} / {m.realism.kid_floor:.1f}" if m.realism else MISSING,
            ]
            for m in models
        ],
    )


def crop_table(models: Iterable[ModelFigures], baselines: Iterable[BaselineFigures] = ()) -> str:
    """What the networks themselves make of the crop, rows for each model: the crop as it is, T(x) and E(T(x)).

    Rows of the baselines, on as many of the faces as they have pictures of, follow.
    """
    head = ["run", "variant", "attribute", "image", "n", "success %", "second opinion %", "drift %", "identity", "KID"]
    rows = [(m.run, m.variant, m.attribute, crop) for m in models for crop in m.crops]
    rows += [(b.run, "", b.attribute, crop) for b in baselines for crop in b.crops]
    return markdown_table(
        head,
        [
            [
                run,
                variant or MISSING,
                attribute,
                crop.image,
                crop.success.count,
                percent(crop.success),
                percent(crop.second),
                f"{100 * crop.drift.value:.1f}",
                plain(crop.identity),
                MISSING if crop.kid is None else f"{crop.kid:.1f}",
            ]
            for run, variant, attribute, crop in rows
        ],
    )


def native_table(models: Iterable[ModelFigures]) -> str:
    """What users see at the photograph's own resolution."""
    head = ["run", "attribute", "face px", "detail after / before, finest octave first", "within 0.7 to 1.4 %",
            "against skin beside, before", "after", "edges after / before", "outside the face, levels",
            "background and clothes, levels", "already so: 45 dB or better %", "small against large dB"]  # fmt: skip

    def octaves(estimates: Iterable[Estimate]) -> str:
        return " ".join(f"{estimate.value:.2f}" for estimate in estimates)

    return markdown_table(
        head,
        [
            [
                m.run,
                m.attribute,
                f"{m.native.side:.0f}",
                octaves(m.native.detail),
                percent(m.native.within),
                octaves(m.native.beside_before),
                octaves(m.native.beside_after),
                plain(m.native.edge),
                plain(m.native.halo),
                plain(m.native.background) if m.native.background.count else MISSING,
                percent(m.native.unchanged),
                f"{m.native.scale.value:.1f}",
            ]
            for m in models
            if m.native is not None
        ],
    )


def as_markdown(report: Report) -> str:
    """The tables of a report and what they stand on."""
    counts = [m.realism.count for m in report.models if m.realism]
    parts = [user_table(report.models)]
    if report.baselines or any(m.crops for m in report.models):
        parts.append("The networks' own pictures, without mask and paste-back:")
        parts.append(crop_table(report.models, report.baselines))
    if any(m.native for m in report.models):
        parts += ["At the photographs' own resolution (medians):", native_table(report.models)]
    parts.append(
        f"Photographs: {report.photographs}. Left out, unreadable or without a face that can be edited: "
        f"{report.left_out}. 95 % intervals in brackets."
    )
    if counts and min(counts) < FID_COUNT:
        parts.append(
            f"FID is biased upwards here: it was taken on {min(counts)} images, and needs more than {FID_COUNT}. "
            "KID has no such bias."
        )
    return "\n\n".join(parts) + "\n"
