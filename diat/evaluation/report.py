"""The figures of evaluate.py as JSON-able values and as a table."""

from __future__ import annotations

from typing import Any

from diat.evaluation import metrics


def as_json(value: Any) -> Any:
    """Figures as JSON can hold them."""
    if isinstance(value, metrics.Estimate):
        return value.as_json()
    if isinstance(value, list):
        return [as_json(entry) for entry in value]
    return {key: as_json(entry) for key, entry in value.items()} if isinstance(value, dict) else value


def from_json(value: Any) -> Any:
    """What `as_json` made, as it was."""
    if isinstance(value, list):
        return [from_json(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"value", "low", "high", "count"}:
        return metrics.Estimate(**value)
    return {key: from_json(entry) for key, entry in value.items()}


def table(results: list[dict[str, Any]]) -> str:
    """The figures as Markdown, a row a model."""

    def percent(estimate: metrics.Estimate | None) -> str:
        if estimate is None:
            return "-"
        return f"{100 * estimate.value:.1f} ({100 * estimate.low:.0f}-{100 * estimate.high:.0f})"

    lines = [
        "| attribute | n | success % | untouched / real % | second opinion % | drift % | identity | verified % | "
        "outside mask dB | already so: dB / SSIM | KID / floor |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        identity, psnr, ssim = r["identity"], r["idempotence_psnr"].value, r["idempotence_ssim"].value
        cells = [
            r["attribute"],
            r["count"],
            percent(r["success"]),
            f"{100 * r['success_untouched'].value:.1f} / {100 * r['success_real'].value:.1f}",
            percent(r.get("second")),
            f"{100 * r['drift'].value:.1f}",
            f"{identity.value:.3f} ({identity.low:.3f}-{identity.high:.3f})",
            percent(r["verified"]),
            f"{r['untouched_psnr'].value:.0f}",
            f"{psnr:.1f} / {ssim:.3f}",
            f"{r['kid']:.1f} / {r['kid_floor']:.1f}" if "kid" in r else "-",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
