# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced. Debian packages for another architecture, by apt under a private configuration: the
# host's own sources, a state directory of our own, nothing of the host's dpkg touched.
#
#   apt_private_init DIR ARCH [SUITE]   prepares DIR (idempotent); SUITE "backports" adds it, "trixie"
#                                       stands for the next Debian and its sources instead
#   apt_private_fetch DIR PACKAGE...    downloads packages not yet in DIR/archives
#   apt_private_source DIR PACKAGE...   downloads the tarballs of sources not yet in DIR/tarballs
#   apt_private_unpack DIR TREE PACKAGE...  unpacks what was downloaded
#   apt_private_closure DIR PACKAGE...  prints the packages that installing these would bring

apt_private_options() {
    local dir=$1
    printf '%s\n' -q \
        -o "APT::Architecture=$(cat "$dir/arch")" -o "APT::Architectures=$(cat "$dir/arch")" \
        -o "Dir::State=$dir/state" -o Dir::State::status=/dev/null -o "Dir::Cache=$dir/cache" \
        -o "Dir::Etc::sourcelist=$dir/sources" -o Dir::Etc::sourceparts=/dev/null \
        -o APT::Sandbox::User= -o Debug::NoLocking=1 -o APT::Get::List-Cleanup=0 \
        -o Acquire::Languages=none -o APT::Install-Recommends=false -o Acquire::Retries=3
}

# The Debian mirror that this host uses, so that a firewall which lets it through lets us through.
apt_private_mirror() {
    {
        sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources
        sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list \
            /etc/apt/sources.list.d/*.list
    } 2>/dev/null | tr ' ' '\n' | grep -m 1 -E '/debian/?$'
}

apt_private_init() {
    local dir=$1 arch=$2 mirror
    mirror=$(apt_private_mirror) || true
    if [ -z "$mirror" ]; then
        echo "    /etc/apt names no Debian mirror to get guest packages from" >&2
        return 1
    fi
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/archives"
    echo "$arch" >"$dir/arch"
    case ${3:-} in
    trixie) printf 'deb %s trixie main\ndeb-src %s trixie main\n' "$mirror" "$mirror" ;;
    backports) printf 'deb %s bookworm main\ndeb %s bookworm-backports main\n' "$mirror" "$mirror" ;;
    *) printf 'deb %s bookworm main\n' "$mirror" ;;
    esac >"$dir/sources.new"
    if cmp -s "$dir/sources.new" "$dir/sources" && [ -f "$dir/updated" ]; then
        return 0
    fi
    mv "$dir/sources.new" "$dir/sources"
    mapfile -t options < <(apt_private_options "$dir")
    echo "    reading Debian's package lists for $arch" >&2
    local try
    for try in 1 2 3; do # an index can change under us while the mirror is updated
        if apt-get "${options[@]}" update >"$dir/update.log" 2>&1 &&
            ! grep -q '^[WE]:' "$dir/update.log"; then
            touch "$dir/updated"
            return 0
        fi
        sleep "$try"
    done
    echo "    Debian's package lists cannot be reached:" >&2
    tail -n 3 "$dir/update.log" >&2
    return 1
}

apt_private_fetch() {
    local dir=$1 package wanted=()
    shift
    for package in "$@"; do
        if ! compgen -G "$dir/archives/${package}_*.deb" >/dev/null; then
            wanted+=("$package")
        fi
    done
    [ ${#wanted[@]} -gt 0 ] || return 0
    mapfile -t options < <(apt_private_options "$dir")
    echo "    downloading ${#wanted[@]} package(s): ${wanted[*]:0:6}${wanted[6]:+ ...}" >&2
    mkdir -p "$dir/incoming"
    (cd "$dir/incoming" && apt-get "${options[@]}" download "${wanted[@]}") >"$dir/download.log" 2>&1 || {
        tail -n 3 "$dir/download.log" >&2
        return 1
    }
    mv "$dir"/incoming/*.deb "$dir/archives/"
}

apt_private_source() {
    local dir=$1 package
    shift
    mapfile -t options < <(apt_private_options "$dir")
    mkdir -p "$dir/tarballs"
    for package in "$@"; do
        compgen -G "$dir/tarballs/${package}_*.orig.tar.?z" >/dev/null && continue
        echo "    downloading the source of $package" >&2
        (cd "$dir/tarballs" && apt-get "${options[@]}" source --download-only --tar-only "$package") \
            >"$dir/download.log" 2>&1 || {
            tail -n 3 "$dir/download.log" >&2
            return 1
        }
    done
}

apt_private_unpack() {
    local dir=$1 tree=$2 package
    shift 2
    mkdir -p "$tree"
    for package in "$@"; do
        dpkg-deb -x "$(compgen -G "$dir/archives/${package}_*.deb" | head -n 1)" "$tree"
    done
}

apt_private_closure() {
    local dir=$1
    shift
    mapfile -t options < <(apt_private_options "$dir")
    apt-get "${options[@]}" install -s "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sed 's/:.*//' | sort -u
}
