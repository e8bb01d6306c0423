# One image for every part of Sotto: the command says which (`docker run sotto run llm --bus redis://…`).
# Models are not in it: /data holds them, with memory and recordings.
FROM python:3.11-slim-bookworm AS made
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /opt/sotto
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates cmake curl git \
    && rm -rf /var/lib/apt/lists/*
# What changes seldom comes first: the engine of the language model compiles for minutes.
COPY pyproject.toml README.md LICENSE ./
COPY requirements requirements
COPY scripts scripts
COPY sotto sotto
COPY shared shared
COPY bus bus
COPY services services
COPY ui ui
RUN scripts/setup voice server llm memory dashboard && rm -rf .cache

FROM python:3.11-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev libgomp1 libportaudio2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home --home-dir /data sotto
WORKDIR /opt/sotto
COPY --from=made /opt/sotto /opt/sotto
ENV PATH=/opt/sotto/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SOTTO_MODELS__FOLDER=/data/models \
    SOTTO_MEMORY__FOLDER=/data/memory \
    SOTTO_JOURNAL__FOLDER=/data/sessions \
    SOTTO_SKILLS__ALARMS_FILE=/data/alarms.json
USER 1000
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["sotto"]
CMD ["--help"]
