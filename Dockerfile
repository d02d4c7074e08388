# The demo on a processor: docker build -t diat . && docker run -p 7860:7860 diat
FROM python:3.11-slim AS build

WORKDIR /src
COPY pyproject.toml requirements.txt README.md LICENSE NOTICE ./
COPY diat diat
# The versions of requirements.txt, of what the demo needs alone: no torch. OpenCV's build without windows needs no system
# libraries; it takes the place of the one that the package names. Tests of libraries and bytecode are a quarter of the
# size (numpy needs its own tests to be imported).
RUN python -m venv /opt/diat \
    && /opt/diat/bin/pip install --no-cache-dir --no-compile -c requirements.txt ".[app]" \
    && /opt/diat/bin/pip uninstall -y opencv-python \
    && /opt/diat/bin/pip install --no-cache-dir --no-compile \
        "opencv-python-headless==$(sed -n 's/^opencv-python==//p' requirements.txt)" \
    && /opt/diat/bin/pip uninstall -y pip \
    && find /opt/diat/lib \( -name tests -o -name test -o -name __pycache__ \) -type d -not -path "*/numpy/*" -prune \
        -exec rm -r {} + \
    && rm -r /opt/diat/lib/python3.11/site-packages/gradio/templates/node

FROM python:3.11-slim

COPY --from=build /opt/diat /opt/diat
COPY examples /opt/diat/lib/python3.11/site-packages/examples
RUN useradd --create-home --uid 1000 diat
USER diat
WORKDIR /home/diat
ENV PATH=/opt/diat/bin:$PATH PYTHONUNBUFFERED=1 PYTHONPYCACHEPREFIX=/tmp/pycache \
    HF_HUB_DISABLE_TELEMETRY=1
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]
ENTRYPOINT ["diat", "demo", "--host", "0.0.0.0"]
