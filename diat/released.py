"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "725308ccff4e76da0b10e562ac3ac5f96692f0c157fc5b102e06e232e7c697c8",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "700ddd54dcd55f07cfc6febf24e33efe6af3717033e4de4f66f439c5ec5f0549",
    "older_to_younger": "32c50c19b9dcc20a7938ead241115e221973efca34465a03e73ab1888ea0f370",
}
