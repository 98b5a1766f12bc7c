# Sourced by ./run and ./test: makes and keeps the clone's own environment.
#
# A bare Debian refuses `pip install` into the system and lacks ensurepip, so uv is fetched into .uv
# and makes .venv; what goes into it is exactly what the hashed lock names. A copy of the lock inside
# .venv says what is installed, so that the second start costs one comparison.

# ensure_environment TOP LOCK: TOP/.venv holds at least what TOP/LOCK names.
ensure_environment() {
    local top=$1 lock=$2
    if [ -x "$top/.venv/bin/python" ] && cmp -s "$top/$lock" "$top/.venv/installed-$lock"; then
        return 0
    fi
    (
        # Two shells started at once take turns; the second finds the work done.
        exec 9>"$top/.environment.lock"
        flock 9
        cmp -s "$top/$lock" "$top/.venv/installed-$lock" && [ -x "$top/.venv/bin/python" ] && exit 0
        make_environment "$top" "$lock"
    ) || {
        printf 'cctv-vault: the environment could not be made; the lines above say why.\n' >&2
        return 1
    }
}

make_environment() {
    local top=$1 lock=$2 python uv
    set -eu
    # An interpreter fetched from elsewhere would be one more thing to trust.
    export UV_PYTHON_DOWNLOADS=never UV_NO_CONFIG=1
    # Trust what Debian trusts, as pip does.
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"

    python=$(command -v python3) || { echo 'cctv-vault: python3 is missing.' >&2; exit 1; }
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo 'cctv-vault: Python 3.11 or newer is needed.' >&2
        exit 1
    }
    uv=$top/.uv/bin/uv
    if [ ! -x "$uv" ]; then
        step 'fetching uv'
        "$python" -m pip --version >/dev/null 2>&1 || {
            echo 'cctv-vault: pip is missing (Debian: apt-get install python3-pip).' >&2
            exit 1
        }
        "$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
            --target "$top/.uv" uv
    fi
    if [ ! -x "$top/.venv/bin/python" ]; then
        step 'making .venv'
        "$uv" venv --quiet --clear --python "$python" "$top/.venv"
    fi
    # The clone itself, by a relative path, so that a moved clone still works; not in a lock.
    "$top/.venv/bin/python" -I - <<'PYTHON'
import pathlib, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "cctv_vault.pth").write_text("../../../..\n")
PYTHON
    step "installing what $lock names (a few minutes the first time)"
    VIRTUAL_ENV=$top/.venv "$uv" pip install --quiet --require-hashes --requirement "$top/$lock"
    cp "$top/$lock" "$top/.venv/installed-$lock"
    # What the tests need includes all that the product needs.
    [ "$lock" = requirements.lock ] || cp "$top/requirements.lock" "$top/.venv/installed-requirements.lock"
}

step() { printf 'cctv-vault: %s\n' "$1" >&2; }
