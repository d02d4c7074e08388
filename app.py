"""The browser demo: a photograph in, the same photograph with one facial attribute changed out.

python app.py                       # the embedded weights, on http://127.0.0.1:7860
python app.py --models some-org     # some-org/diat-mouth-close, ... from the Hugging Face Hub
python app.py --help                # a login, a path behind a proxy, the server's names
"""

from diat.pages.server import main

if __name__ == "__main__":
    main()
