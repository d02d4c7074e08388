"""Content Credentials: a signed C2PA manifest in the file, where a certificate is configured.

`DIAT_C2PA_CERTIFICATE` and `DIAT_C2PA_KEY` name PEM files: the chain of certificates, the signer's first, and its key
(P-256). `DIAT_C2PA_TIMESTAMPS` may name a time-stamping service; without it nothing leaves this machine.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diat.errors import DiatError

CERTIFICATE, KEY, TIMESTAMPS = "DIAT_C2PA_CERTIFICATE", "DIAT_C2PA_KEY", "DIAT_C2PA_TIMESTAMPS"
# By the kind of a file, see `diat.provenance`.
MIME_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Credentials:
    """What a file's manifest says."""

    maker: str  # of the manifest
    signer: str | None  # the certificate's organisation
    # "Trusted" (a known authority), "Valid" (whole, of an authority that is not known here) or "Invalid" (the file was
    # changed since, or the signature is wrong).
    state: str


def configured() -> bool:
    """Whether files are to be signed."""
    return bool(os.environ.get(CERTIFICATE) and os.environ.get(KEY))


def signed(data: bytes, kind: str, maker: str, source_type: str) -> bytes:
    """A file with a manifest that says how it was made, signed by the configured certificate.

    Args:
        data: the file.
        kind: ``"PNG"``, ``"JPEG"`` or ``"WEBP"``.
        maker: what made it, see `diat.provenance.edited_by`.
        source_type: IPTC's term for how.

    Raises:
        DiatError: c2pa-python is missing, or the certificate or the key cannot be used.
    """
    c2pa = _library()
    manifest = {
        "claim_generator_info": [{"name": maker.split()[0]}],
        "title": "Edited photograph",
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": source_type,
                            "description": maker,
                            "softwareAgent": {"name": maker.split()[0]},
                        }
                    ]
                },
            }
        ],
    }
    try:
        info = c2pa.C2paSignerInfo(
            c2pa.C2paSigningAlg.ES256,
            Path(os.environ[CERTIFICATE]).read_bytes(),
            Path(os.environ[KEY]).read_bytes(),
            os.environ.get(TIMESTAMPS, "").encode() or None,
        )
        result = io.BytesIO()
        # A thumbnail in the manifest would be larger than the photograph.
        settings = c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})
        with (
            c2pa.Signer.from_info(info) as signer,
            c2pa.Context(settings) as context,
            c2pa.Builder(manifest, context) as builder,
        ):
            builder.sign(signer, MIME_TYPES[kind], io.BytesIO(data), result)
    except (OSError, c2pa.C2paError) as error:
        raise DiatError(
            f"The result cannot be signed ({str(error)[:200]}): check {CERTIFICATE} and {KEY}, or unset them."
        ) from error
    return result.getvalue()


def read(data: bytes, kind: str) -> Credentials | None:
    """A file's manifest; None where it has none, or c2pa-python is not installed."""
    try:
        c2pa = _library()
    except DiatError:
        return None
    try:
        with c2pa.Reader(MIME_TYPES[kind], io.BytesIO(data)) as reader:
            report: dict[str, Any] = json.loads(reader.json())
    except (c2pa.C2paError, KeyError, ValueError):
        return None
    manifest = report.get("manifests", {}).get(report.get("active_manifest"), {})
    makers = manifest.get("claim_generator_info") or [{}]
    issuer = (manifest.get("signature_info") or {}).get("issuer")
    return Credentials(str(makers[0].get("name", "unknown")), issuer, str(report.get("validation_state", "Invalid")))


def _library() -> Any:
    try:
        import c2pa
    except ImportError:
        raise DiatError("Signing needs c2pa-python: run `pip install 'diat[credentials]'`.") from None
    return c2pa
