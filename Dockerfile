# One image for every service of docker-compose.yml: `docker run mj-pipeline --help` lists its commands.
FROM python:3.12-slim AS build
WORKDIR /source
COPY requirements-s3.lock ./
RUN python -m venv /opt/pipeline && /opt/pipeline/bin/pip install --no-cache-dir --requirement requirements-s3.lock
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY pipeline pipeline
RUN /opt/pipeline/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
RUN useradd --uid 10001 --create-home pipeline && install --directory --owner=pipeline /data /data/pictures
COPY --from=build /opt/pipeline /opt/pipeline
ENV PATH=/opt/pipeline/bin:$PATH PYTHONUNBUFFERED=1
USER pipeline
WORKDIR /data
ENTRYPOINT ["pipeline"]
CMD ["--help"]
