"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "626f8d5f6d746dbc8ef0f988498c8d337c9dd75d1136fac81bbd58daf1d077a2",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "219e061fc84aace2086290724a8acb37c4d2d26b22f402d0e3e8363a771a20d0",
    "older_to_younger": "33cb922f32a67507274f5dfc016ba8f720bdb53997f011bde1610f4ad38074e7",
}
