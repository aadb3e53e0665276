# One image; its commands are api (default), worker, beat and migrate. Build it at the root of the clone:
#   docker build -t rubi-studio .
# BASE_IMAGE: any Debian with python3 ≥ 3.11 and its venv module; pin it by digest in production.
ARG BASE_IMAGE=docker.io/library/python:3.11.13-slim-bookworm

FROM ${BASE_IMAGE} AS packages
WORKDIR /build
COPY requirements.txt .
# Wheels only: nothing is compiled, and what is not in the lock file is not installed.
RUN python3 -m venv /opt/rubi \
    && /opt/rubi/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes -r requirements.txt \
    && /opt/rubi/bin/python -m pip uninstall --yes --quiet pip setuptools \
    && find /opt/rubi -name '__pycache__' -prune -exec rm -rf {} +
COPY python-api /app/python-api
COPY database /app/database
# The page offers the connector for download.
COPY mql5/RubiStudioConnector.mq5 /app/mql5/RubiStudioConnector.mq5
COPY mql5/Presets /app/mql5/Presets
COPY scripts/entrypoint.sh /app/scripts/entrypoint.sh
COPY LICENSE THIRD_PARTY_NOTICES.md /app/
RUN /opt/rubi/bin/python -m compileall -q /app/python-api /opt/rubi/lib

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="Rubi Studio MT5 bridge" \
      org.opencontainers.image.source="https://github.com/pivori-app/rubi-studio"
COPY --from=packages /opt/rubi /opt/rubi
COPY --from=packages /app /app
# Numeric, so that Kubernetes can see that it is not root; it owns nothing and writes nothing but /tmp.
USER 10001:10001
WORKDIR /app
ENV PATH=/opt/rubi/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app/python-api \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    API_HOST=0.0.0.0 \
    LOG_FILE=/dev/null \
    HEARTBEAT_FILE=/tmp/heartbeat
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the API; worker and beat are asked by `entrypoint.sh alive` (see compose.yaml).
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('API_PORT', '8000')}/health/live\", timeout=4)"]
ENTRYPOINT ["/app/scripts/entrypoint.sh"]
CMD ["api"]
