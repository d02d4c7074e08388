"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "aefcff4a2aedbe7870b8ddf00e303e1173b3795da66b50b1a5202fe5526ae39c",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "30fcd8e6c48bc6bcf4112cc044810c77063617ea2480b13cb1feb6409410eec5",
    "older_to_younger": "e5f6db8eb0dccf8d5b7fab04ae129e6fa170012824d6acbbdec14c81d77ea718",
    "smile": "9ac85b96df2b8b2146a7083967782fd794b3f609f32cf2c855001be781dbaab9",
}
