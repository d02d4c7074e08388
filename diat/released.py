"""Digests of the released weights, in the code: who changes a model and its manifest has not changed these.

Written by `python train/digests.py` whenever a model in `diat/weights` is released anew.
"""

# By attribute, SHA-256 of the manifest, which holds those of the weights and the configuration.
MANIFEST_SHA256: dict[str, str] = {
    "mouth_open": "2bf284b6216765ef6d308ec5c98f931722cff54df1a62e90368242bb9aaacd0b",
    "mouth_close": "aefcff4a2aedbe7870b8ddf00e303e1173b3795da66b50b1a5202fe5526ae39c",
    "eyeglasses_remove": "180acfcd3274a78d8eab1151e88b45c64a25a59cf4003a7b170e84501b1dd4c2",
    "male_to_female": "49afede59ff9604466047cb8e8c71fd0147e592f7ded8277b263c24b9ce727a6",
    "older_to_younger": "4bca241ea35431e3de37083859e87bfda6947aefdd2cff81a4131801a65eb61e",
    "smile": "c3fc6622ddac0a6c138ee9bac86cc754f331f97d0f29e7e724f5d29dec930c02",
}
