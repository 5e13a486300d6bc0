# Whoever builds it pins the base: --build-arg BASE_IMAGE=python:3.13-slim@sha256:…
# Another base will do if it has `python` 3.11 or newer with its module `venv`, and the certificates of authorities.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/ledger && /opt/ledger/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml LICENSE ./
COPY ledger ledger
COPY web web
COPY alembic alembic
# What builds and installs is not needed to run it.
RUN /opt/ledger/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/ledger/bin/pip uninstall --yes editables hatchling pathspec pluggy tomlkit trove-classifiers setuptools pip

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --user-group --create-home --home-dir /var/lib/ledger --shell /usr/sbin/nologin ledger
COPY --from=build /opt/ledger /opt/ledger
ENV PATH=/opt/ledger/bin:$PATH \
    LEDGER_LOG_FORMAT=json
# by its number, so that Kubernetes can tell that it is not root
USER 10001:10001
WORKDIR /var/lib/ledger
# the embedded database, when no other is named, is in ./var
RUN mkdir var
VOLUME /var/lib/ledger/var
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["ledger"]
CMD ["serve", "--host", "0.0.0.0"]
