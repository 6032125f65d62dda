# Sourced by the other scripts: where the checkout is, what it needs, how to build it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

build_packages=(build-essential cmake ninja-build pkg-config
    libuv1-dev libwebsockets-dev libwebsockets-evlib-uv libcurl4-openssl-dev libjansson-dev
    libqrencode-dev liblmdb-dev libmicrohttpd-dev libinih-dev libsqlite3-dev libjwt-dev libssl-dev zlib1g-dev libcmocka-dev
    libsystemd-dev libseccomp-dev
    libpcre2-dev libutf8proc-dev tzdata zopfli
    chromium chromium-headless-shell chromium-sandbox)
test_packages=(zbar-tools openssl php-cli python3 git)

said=0 # how much there was to tell: scripts/setup reports when it stayed nothing
say() {
    said=$((said + 1))
    printf '%s\n' "$*" >&2
}
die() { say "$0: $*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "root is needed for: $* (no sudo here; run it as root, then this script again)"
    fi
}

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

install_packages() {
    local missing=() p
    for p in "$@"; do
        installed "$p" || missing+=("$p")
    done
    if ! command -v node >/dev/null; then missing+=(nodejs); fi
    if ! command -v npm >/dev/null; then missing+=(npm); fi
    [ ${#missing[@]} = 0 ] && return 0
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# install_modules [--omit=dev]: what package-lock.json says, unless it is there already.
install_modules() {
    local stamp=node_modules/.wabridge-lock want
    want="$(sha256sum package-lock.json | cut -d' ' -f1)"
    if [ -f "$stamp" ] && grep -q "^$want" "$stamp"; then
        # a full install serves those who need less
        { [ "${1:-}" = --omit=dev ] || grep -q ' full$' "$stamp"; } && return 0
    fi
    say "installing npm packages (npm ci ${1:-})"
    npm ci --silent --no-audit --no-fund "$@"
    echo "$want $([ "${1:-}" = --omit=dev ] || echo full)" >"$stamp"
}

# The daemon may run as root, the browser never should: a user of its own for it, which the daemon
# takes by itself (config_browser_user()).
browser_user=wabridge
make_browser_user() {
    [ "$(id -u)" = 0 ] || return 0
    id "$browser_user" >/dev/null 2>&1 && return 0
    say "making system user $browser_user (runs the browser)"
    useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$browser_user"
}

# build PRESET: configure once, then only what changed; silent when all is well.
build() {
    local dir log
    dir=build$([ "$1" = release ] || echo "-$1")
    log=$(mktemp)
    [ -e "$dir/wabridge" ] || say "building (a minute or more the first time)"
    if ! { cmake --preset "$1" && cmake --build "$dir" -j "$(nproc)"; } >"$log" 2>&1; then
        tail -60 "$log" >&2
        rm -f "$log"
        die "the build failed"
    fi
    rm -f "$log"
}
