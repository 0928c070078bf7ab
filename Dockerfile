# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
WORKDIR /source
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/guanxi
COPY constraints.txt pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY api api
COPY graph graph
COPY guanxi guanxi
COPY loaders loaders
COPY plugins plugins
COPY recommenders recommenders
RUN /opt/guanxi/bin/pip install --constraint constraints.txt '.[redis,telemetry]'

FROM python:3.11-slim
# implicit's solvers and LightGBM use OpenMP; the base image's release is what pins it
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/guanxi --create-home guanxi
COPY --from=build /opt/guanxi /opt/guanxi
ENV PATH=/opt/guanxi/bin:$PATH GUANXI_HOME=/var/lib/guanxi PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/guanxi
VOLUME /var/lib/guanxi
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD and a token secret or key set come from outside, and REDIS_URL for several workers.
CMD ["guanxi", "serve", "--host", "0.0.0.0", "--port", "8000"]
