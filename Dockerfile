# One image for every role: `python supervisor.py` runs those of ROLES, `ordersys migrate` brings schema and
# topics up to date. It holds no server, no Node and no package tool of its own.

FROM node:24-slim AS page
WORKDIR /frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend ./
RUN npm run bundle

FROM python:3.13-slim AS packages
WORKDIR /app
COPY requirements-image.lock ./
RUN python -m venv --without-pip .venv \
    && python -m pip --python .venv/bin/python install --no-cache-dir --no-deps --only-binary :all: \
        --require-hashes --requirement requirements-image.lock
COPY config ./config
COPY infra/docker ./infra/docker
COPY infra/postgres ./infra/postgres
COPY ordersys ./ordersys
COPY supervisor.py ./
# Nobody can write bytecode later: the process is not root, and the file system may be read-only.
RUN python -m compileall -q --invalidation-mode unchecked-hash config ordersys supervisor.py \
    && ln -s /app/infra/docker/ordersys .venv/bin/ordersys
COPY --from=page /frontend/dist ./frontend/dist

FROM python:3.13-slim
RUN groupadd --system --gid 10001 ordersys \
    && useradd --system --uid 10001 --gid ordersys --no-create-home --home-dir /app ordersys \
    && install --directory --owner=ordersys --group=ordersys /var/lib/ordersys
COPY --from=packages /app /app
WORKDIR /app
# GUARD_DIR has to outlive the process; nothing else is written.
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    GUARD_DIR=/var/lib/ordersys/guard
# Writes the bytecode that the base image lacks: that of the standard library, as far as it is used.
RUN PYTHONDONTWRITEBYTECODE= python -c 'import ordersys.cli, supervisor'
USER ordersys
EXPOSE 18080 18090
HEALTHCHECK --interval=5s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-I", "-S", "/app/infra/docker/healthy.py"]
CMD ["python", "supervisor.py"]
