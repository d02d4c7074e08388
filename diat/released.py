"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "aefcff4a2aedbe7870b8ddf00e303e1173b3795da66b50b1a5202fe5526ae39c",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "6984b1d1ca8db7891dbc037ffcd604cfdbd995fcf03b603c6eb539fa972a6d5e",
    "older_to_younger": "1c172d58ccfcfdf8ad434c24462cd4896f76cf8105b77cd78370cf1f24dbc2a3",
    "smile": "b55d49388cf208cc77f46b6489f50cc75d2c488cbdc16f72f67caad944636927",
}
