"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "aefcff4a2aedbe7870b8ddf00e303e1173b3795da66b50b1a5202fe5526ae39c",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "ca6a2814b124729c3e95a23d07421722eeb8a4c6fddc6119bc9738d503e5d44e",
    "older_to_younger": "58e765481985631901bbdade2047b517215fb643d60152da6b75fa683f35f521",
    "smile": "05b5a84b7ae5b82c1dc1f2298f240233eb539a939d58d6fd45bb3088b9b365c0",
}
