# shellcheck shell=bash
# Sourced: find uv, or fetch it into .cache/uv without touching the system; and install system packages.

# shellcheck disable=SC2034 # what find_uv finds, for those who source this
UV=
UV_HOME=.cache/uv # relative to the root of the checkout

find_uv() {
    local place
    for place in "$(command -v uv || true)" "$UV_HOME/bin/uv" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv"; do
        if [ -n "$place" ] && "$place" --version >/dev/null 2>&1; then
            UV=$place
            return 0
        fi
    done
    fetch_uv
}

fetch_uv() {
    echo "set-up: fetching uv, which installs Python packages, into $UV_HOME" >&2
    if fetch_uv_with_python || { fetch_pip && fetch_uv_with_python; } || fetch_uv_with_brew; then
        return 0
    fi
    cat >&2 <<'END'
set-up: uv could not be fetched. Any one of these helps; then start again:
    sudo apt-get install python3-venv      (Debian, Ubuntu)
    brew install uv                        (macOS)
    pipx install uv
END
    return 1
}

# Any Python that has pip, or can make an environment that has it, will do: uv itself needs none.
fetch_uv_with_python() {
    local python
    for python in python3 python3.13 python3.12 python3.11; do
        command -v "$python" >/dev/null || continue
        rm -rf "$UV_HOME"
        mkdir -p "$UV_HOME"
        if "$python" -m pip --version >/dev/null 2>&1; then
            PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check --target "$UV_HOME" uv >&2 || continue
        elif "$python" -m venv "$UV_HOME" >/dev/null 2>&1; then
            "$UV_HOME/bin/python" -m pip install --quiet --disable-pip-version-check uv >&2 || continue
        fi
        if "$UV_HOME/bin/uv" --version >/dev/null 2>&1; then
            UV=$UV_HOME/bin/uv
            return 0
        fi
    done
    rm -rf "$UV_HOME"
    return 1
}

# Debian's own Python comes without pip and without what makes environments.
fetch_pip() {
    command -v apt-get >/dev/null && install_packages python3-venv
}

fetch_uv_with_brew() {
    # shellcheck disable=SC2034 # as above
    command -v brew >/dev/null && brew install --quiet uv >&2 && UV=$(command -v uv)
}

# ---- system packages

# Install what is missing of the Debian packages named; say the one command where that is not allowed.
install_packages() {
    local package missing=() root=()
    command -v dpkg-query >/dev/null || return 0
    for package in "$@"; do
        dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "set-up: these system packages are missing; without them not everything works. Type:" >&2
            echo "    sudo apt-get install ${missing[*]}" >&2
            return 1
        fi
        root=(sudo -n)
    fi
    echo "set-up: installing ${missing[*]} (apt)" >&2
    apt_install || { ${root[@]+"${root[@]}"} apt-get update -qq >&2 && apt_install; } || {
        echo "set-up: apt could not install ${missing[*]}" >&2
        return 1
    }
}

apt_install() { # uses `root` and `missing` of install_packages
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" >&2
}
