# Read before a page's blocks: a page is one terminal, and its first mistake ends it.
set -euo pipefail
trap 'echo "$0:$LINENO: failed: $BASH_COMMAND" >&2' ERR
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

answers() { # answers PORT COMMAND...: start a server, go on when its page answers; it ends with the page
    local port="$1" log="server_$1.log"
    shift
    command "$@" --port "$port" >"$log" 2>&1 &
    for _ in $(seq 300); do
        ! curl -fs -o /dev/null "http://127.0.0.1:$port/" || return 0
        kill -0 $! 2>/dev/null || break
        sleep 0.2
    done
    cat "$log"
    return 1
}

tensorboard() { answers "$TENSORBOARD_PORT" tensorboard "$@"; }

tf-classification() {
    if [ "$1" = serve ]; then answers "$PORT" tf-classification "$@"; else command tf-classification "$@"; fi
}
