"""Every mark is written, and read back by `diat verify` and its page."""

from __future__ import annotations

import datetime
import io
import json
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from films import film
from PIL import Image

from diat import credentials
from diat.cli import main
from diat.errors import DiatError, PhotoRejected
from diat.marks import FRAMES, Marks, read_marks
from diat.pages.verify import verify
from diat.provenance import LABEL, edited_by, encode, labelled
from diat.video.film import edit_video
from diat.video.reader import thinned
from diat.watermark import watermarked

KINDS = ["PNG", "JPEG", "WEBP"]


def certificate(folder: Path) -> tuple[Path, Path]:
    """A made authority, and a signer's certificate by it, with its key. -> their files."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)

    def named(name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A test"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )

    def issued(name: str, public: ec.EllipticCurvePublicKey, ca: bool) -> bytes:
        usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
        builder = (
            x509.CertificateBuilder(named("authority"), named(name), public, x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False)
        )
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    chain = issued("signer", key.public_key(), False) + issued("authority", authority.public_key(), True)
    (folder / "chain.pem").write_bytes(chain)
    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return folder / "chain.pem", folder / "key.pem"


@pytest.fixture
def signer(tmp_path, monkeypatch):
    for name, path in zip((credentials.CERTIFICATE, credentials.KEY), certificate(tmp_path), strict=True):
        monkeypatch.setenv(name, str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read(collins, kind):
    marks = read_marks(encode(collins, edited_by("mouth_close", 0.5), kind))
    assert marks.edited_by == "DIAT mouth_close strength=0.5"
    assert marks.declared and marks.invisible and marks.edited and marks.credentials is None


def test_the_invisible_mark_is_left_when_the_metadata_are_gone(collins):
    buffer = io.BytesIO()
    Image.open(io.BytesIO(encode(collins, edited_by("mouth_close", 1.0)))).convert("RGB").save(
        buffer, "JPEG", quality=75
    )
    marks = read_marks(buffer.getvalue())
    assert not marks.declared and marks.edited_by is None
    assert marks.invisible and marks.edited


def test_an_unedited_photograph_has_no_mark(collins_path):
    marks = read_marks(collins_path)
    assert not marks.edited
    assert marks.sentences == (
        "No mark was found.",
        "That does not show that the picture is unedited: marks can be removed.",
    )


def test_marks_are_told_in_sentences():
    unknown = credentials.Credentials("Somebody", None, "Invalid")
    marks = Marks(None, True, 7.4, unknown)
    assert marks.edited and marks.sentences == (
        "Yes: changed with DIAT.",
        "The file says that a trained model changed it (not which one).",
        "Content Credentials by Somebody, signed by nobody known: Invalid.",
        "The pixels carry DIAT's invisible mark (score 7; 6 is enough).",
    )
    named = Marks("DIAT older_to_younger strength=1, mouth_close strength=0.5", True, 0.0, None)
    assert named.sentences[0] == "Yes: made younger, mouth closed with DIAT."
    assert Marks(None, True, 0.0, None).sentences[0] == "Yes: changed by a trained model."
    assert not Marks(None, False, 6.0, None).edited and Marks(None, False, 6.1, None).edited
    assert Marks(None, False, 0.0, unknown).edited


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_without_the_invisible_mark_the_pixels_are_as_they_were(collins, kind):
    data = encode(collins, edited_by("x", 1.0), kind, invisible=False)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")), collins)
    assert read_marks(data).declared and not read_marks(data).invisible


@pytest.mark.parametrize("kind", KINDS)
def test_a_configured_certificate_signs_and_a_change_is_noticed(collins, kind, signer):
    data = encode(collins, edited_by("mouth_close", 1.0), kind)
    marks = read_marks(data)
    assert marks.credentials == credentials.Credentials("DIAT", "A test", "Valid")
    assert marks.declared and marks.invisible
    if kind == "JPEG":
        changed = bytearray(data)
        changed[-40] ^= 1
        assert credentials.read(bytes(changed), kind).state == "Invalid"


@pytest.mark.parametrize("broken", [credentials.CERTIFICATE, credentials.KEY])
def test_a_certificate_that_cannot_be_used_is_one_sentence(collins, signer, broken, tmp_path, monkeypatch):
    monkeypatch.setenv(broken, str(tmp_path / "nothing.pem"))
    with pytest.raises(DiatError, match=f"cannot be signed .* check {credentials.CERTIFICATE}"):
        encode(collins, edited_by("x", 1.0))
    (tmp_path / "nothing.pem").write_text("no certificate")
    with pytest.raises(DiatError, match="cannot be signed"):
        encode(collins, edited_by("x", 1.0))


def test_without_the_library_nothing_is_signed_or_read(collins, signer, monkeypatch):
    data = encode(collins, edited_by("x", 1.0))
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    assert credentials.read(data, "PNG") is None
    with pytest.raises(DiatError, match=r"diat\[credentials\]"):
        encode(collins, edited_by("x", 1.0))


@pytest.mark.parametrize("channels", [3, 4])
def test_a_label_is_written_into_the_corner_alone(collins, channels):
    picture = np.dstack([collins, np.full(collins.shape[:2], 90, np.uint8)])[..., :channels]
    changed = (labelled(picture) != picture).any(axis=2)
    rows, columns = np.nonzero(changed)
    height, width = changed.shape
    assert rows.min() > height * 0.9 and columns.min() > width * 0.5
    assert (labelled(picture)[rows.min() :, columns.min() :, :3] > 250).any()
    assert LABEL == "Edited with AI"
    plain, shown = (Image.open(io.BytesIO(encode(collins, edited_by("x", 1.0), label=on))) for on in (False, True))
    assert (np.asarray(plain)[-12:, -60:] != np.asarray(shown)[-12:, -60:]).any()


def test_a_films_frames_and_metadata_are_marked(editors, collins, tmp_path):
    source, target = film(tmp_path / "film.mp4", [collins] * 4), tmp_path / "out.mp4"
    assert not read_marks(source).edited
    edit_video(source, target, editors("mouth_close"), label=True)
    marks = read_marks(target)
    assert marks.declared and marks.invisible and marks.edited_by == "DIAT mouth_close strength=1"


@pytest.mark.parametrize("part", [slice(0, 8), slice(40, 48), slice(82, 90)])
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_the_mark_of_a_part_of_a_film_is_found_wherever_that_is(collins, tmp_path, name, part):
    pictures = [collins[:320, 60:380]] * 90
    pictures[part] = [watermarked(picture) for picture in pictures[part]]
    assert read_marks(film(tmp_path / name, pictures)).invisible


def test_a_film_of_which_nothing_can_be_decoded_is_refused(collins, tmp_path):
    path = film(tmp_path / "film.mp4", [collins[:320, 60:380]] * 9)
    data = path.read_bytes()
    pictures, size = data.index(b"mdat") + 4, int.from_bytes(data[data.index(b"mdat") - 4 :][:4], "big")
    path.write_bytes(data[:pictures] + bytes(size - 8) + data[pictures + size - 8 :])
    with pytest.raises(PhotoRejected, match="no picture that can be decoded|neither a picture nor a film"):
        read_marks(path)


def test_of_a_film_of_unknown_length_frames_are_taken_from_all_over():
    for length in (0, 1, 16, 17, 100, 4999):
        kept = thinned(iter(range(length)), FRAMES)
        assert min(length, FRAMES / 2) <= len(kept) <= FRAMES
        assert not kept or (kept[0] == 0 and kept[-1] >= 0.85 * (length - 1))
        assert len(set(np.diff(kept))) <= 1


def test_the_command_says_what_it_found(collins, collins_path, tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(encode(collins, edited_by("mouth_close", 1.0)))
    assert main(["verify", str(tmp_path / "a.png")]) == 0
    said = capsys.readouterr().out
    assert "a trained model changed it (DIAT mouth_close strength=1)" in said and "invisible mark" in said
    assert main(["verify", "--json", str(tmp_path / "a.png"), str(collins_path)]) == 1
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["edited"] and first["invisible"] and not second["edited"]


@pytest.mark.parametrize("name", ["text.png", "missing.png"])
def test_what_cannot_be_read_is_one_sentence(name, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    assert main(["verify", str(tmp_path / name)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Traceback" not in error
    with pytest.raises(PhotoRejected):
        read_marks(tmp_path / name)


def test_the_page_says_it_too(collins, collins_path, tmp_path):
    (tmp_path / "a.jpg").write_bytes(encode(collins, edited_by("mouth_close", 1.0), "JPEG"))
    assert "invisible mark" in verify(str(tmp_path / "a.jpg"))
    assert "No mark was found" in verify(str(collins_path))
    assert verify(None) == ""
    (tmp_path / "b.jpg").write_text("none")
    assert "not a" in verify(str(tmp_path / "b.jpg"))
