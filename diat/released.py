"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "626f8d5f6d746dbc8ef0f988498c8d337c9dd75d1136fac81bbd58daf1d077a2",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "4c978187c59b7c51005d9a6d4025bff02d1d5c7bc27d75945cb20cb854a6f7ff",
    "older_to_younger": "8040bb630d1634e5f4b283decc7baf059d44db288c0ea65610c661ab58c57911",
}
