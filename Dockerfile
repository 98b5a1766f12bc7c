# The product alone, without its tests: what requirements.lock names, checked by hash, and the sources.
FROM python:3.11-slim-bookworm

RUN groupadd --system --gid 10001 vault \
    && useradd --system --uid 10001 --gid vault --home-dir /nonexistent --shell /usr/sbin/nologin vault \
    && install -d -o vault -g vault -m 0700 /var/lib/cctv-vault /var/lib/cctv-vault-keys /srv/drop

WORKDIR /opt/cctv-vault
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY LICENSE ./
COPY storage ./storage
COPY cctv_vault ./cctv_vault
COPY web ./web
# By a path file and not PYTHONPATH: the isolated interpreters that read hostile footage ignore that.
RUN echo /opt/cctv-vault >"$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/cctv_vault.pth" \
    && python -m compileall -q /opt/cctv-vault

ENV CCTV_VAULT_HOME=/var/lib/cctv-vault \
    CCTV_VAULT_KEYS=/var/lib/cctv-vault-keys
USER vault
ENTRYPOINT ["python", "-I", "-m", "cctv_vault"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
