"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "aefcff4a2aedbe7870b8ddf00e303e1173b3795da66b50b1a5202fe5526ae39c",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "fba923df77671cb0fce81ed7aa19e9a4381441503cd4d2a60f0a22cf6ef7b978",
    "older_to_younger": "7b0c38e8d38bfb866890ee6dec6e4a8e8e078e80dd7a1e4b5fbff75c105162e8",
    "smile": "8022be9d5384b62fa6e97d91ef0b5bdf58f7d37197d8a561934ca882dc9608d9",
}
