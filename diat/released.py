"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "aefcff4a2aedbe7870b8ddf00e303e1173b3795da66b50b1a5202fe5526ae39c",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "697fc25586f788a4d9754f87dbb6844fe0f5930b7008d909152d0de9b30daec4",
    "older_to_younger": "c4cedc6f492ee61d236a38cad62f9d4cb1ad30385637c58b000feda4375800e8",
    "smile": "4d3c8b8a8b1d10b3d9caddf19111b68d5026a45b1713b73ac34de218f9c7b783",
}
