#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds a Debian disk image for Arm virtual machines without root: apt under a private
# configuration brings the packages, `armvm run` boots a machine in which dpkg installs them, and the
# partitions are written to a file. `armvm image create` runs this with everything checked; what it
# passes (all of it in the environment, for a password has no place among arguments):
#   IMAGE_OUT       the raw image to write; must not exist
#   IMAGE_SIZE      its size in bytes, a multiple of 1 MiB
#   IMAGE_SUITE IMAGE_HOSTNAME IMAGE_USER IMAGE_PASSWORD IMAGE_SSH_KEY (a file) IMAGE_INCLUDE (spaces)
#   IMAGE_MIRROR    may be empty
#   IMAGE_CACHE     a directory for downloads
#   IMAGE_ARMVM     the armvm to run
#   IMAGE_PROGRESS  terminal, lines, none or all (the machine's console, too)
# Ends with 0, 1 (the installation failed), 2 (asked for what there is not) or 3 (the host).
set -euo pipefail
export LC_ALL=C TZ=UTC
export PATH=$PATH:/usr/sbin:/sbin
umask 022
here=$(cd "$(dirname "$0")" && pwd)
readonly ESP_MIB=256 MIB=1048576

fail() { # STATUS TEXT
    clear_line
    printf 'armvm image create: %s\n' "$2" >&2
    exit "$1"
}

# --- progress ------------------------------------------------------------------------------------

began=$SECONDS
shown=
clear_line() {
    [ -z "$shown" ] || printf '\r\033[K' >&2
    shown=
}

progress() { # PERCENT TEXT: a new stage
    case $IMAGE_PROGRESS in
    lines | all) printf '%3d%% %4ds  %s\n' "$1" $((SECONDS - began)) "$2" >&2 ;;
    terminal) step "$1" "$2" ;;
    esac
}

step() { # PERCENT TEXT: something within a stage
    if [ "$IMAGE_PROGRESS" = terminal ]; then
        printf '\r\033[K%3d%%  %.70s' "$1" "$2" >&2
        shown=1
    fi
}

# --- cleaning up ---------------------------------------------------------------------------------

work=
machine=
finished=
clean() {
    trap '' INT TERM HUP
    [ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null || true
    clear_line
    [ -z "$work" ] || rm -rf "$work"
    [ -n "$finished" ] || rm -f "$IMAGE_OUT"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# --- packages ------------------------------------------------------------------------------------

need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null || fail 3 "needs the program $1: apt-get install $2"
}

# What every image has, besides Debian's required packages.
base=(apt debian-archive-keyring ca-certificates usr-is-merged systemd systemd-sysv systemd-resolved
    systemd-timesyncd libpam-systemd udev dbus openssh-server sudo initramfs-tools busybox zstd
    grub-efi-arm64 efibootmgr e2fsprogs dosfstools fdisk kmod procps netbase iproute2 iputils-ping less
    nano)

# The mirror that this host uses, so that a firewall which lets it through lets us through, too.
host_mirror() { # PATTERN
    {
        sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources
        sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list
    } 2>/dev/null | tr ' ' '\n' | grep -m 1 -E "$1" || true
}

keyring() {
    local file
    for file in /usr/share/keyrings/debian-archive-keyring.gpg /etc/apt/trusted.gpg.d/debian-archive-*-stable.*; do
        if [ -e "$file" ]; then
            echo "$file"
            return
        fi
    done
    fail 3 "needs Debian's keys to check the packages: apt-get install debian-archive-keyring"
}

# Where the packages come from, now and for the image later on.
find_mirrors() {
    mirror=${IMAGE_MIRROR:-$(host_mirror '/debian/?$')}
    [ -n "$mirror" ] || fail 3 "/etc/apt names no mirror of Debian: give one with --mirror URL"
    mirror=${mirror%/}
    security=$(host_mirror '/debian-security/?$')
    security=${security:-${mirror%/debian}/debian-security} # beside it on Debian's own servers
}

apt_configure() {
    local key
    key=$(keyring)
    find_mirrors
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : >"$apt/status"
    {
        echo "deb [signed-by=$key] $mirror $IMAGE_SUITE main"
        echo "deb [signed-by=$key] $mirror $IMAGE_SUITE-updates main"
        echo "deb [signed-by=$key] $security $IMAGE_SUITE-security main"
    } >"$work/sources.list"
    # Of the host's own configuration only its proxies are taken.
    { apt-config dump Acquire 2>/dev/null | grep -i proxy || true; } >"$work/apt.conf"
    cat >>"$work/apt.conf" <<END
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "";
APT::Default-Release "";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::State::extended_states "$apt/extended_states";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
END
    export APT_CONFIG=$work/apt.conf
}

apt_error() { # LOG: apt's first complaint
    sed -n 's/^E: //p; s/^W: Failed/Failed/p' "$1" | head -n 1
}

apt_update() {
    local stamp=$apt/updated
    if cmp -s "$work/sources.list" "$apt/sources.list" && [ -n "$(find "$stamp" -mmin -1440 2>/dev/null)" ]; then
        return
    fi
    progress 0 "reading Debian's package lists"
    if apt-get -q update >"$work/log" 2>&1 && ! grep -q '^[WE]:.*Failed' "$work/log"; then
        cp "$work/sources.list" "$apt/sources.list"
        touch "$stamp"
    elif cmp -s "$work/sources.list" "$apt/sources.list" && [ -e "$stamp" ]; then
        clear_line
        [ "$IMAGE_PROGRESS" = none ] ||
            echo "armvm image create: the mirror does not answer; using the package lists of $(date -r "$stamp" +%F)" >&2
    else
        fail 3 "Debian's package lists cannot be read: $(apt_error "$work/log")"
    fi
}

required() {
    apt-cache dumpavail |
        awk '/^Package: / { name = $2 } /^Essential: yes|^Priority: required/ { print name }' | sort -u
}

# "Inst NAME (VERSION ORIGIN... [ARCH])" -> file names as apt stores them; versions' colons escaped.
closure() { # PACKAGE...
    apt-get -s -q install "$@" >"$work/plan" 2>"$work/log" ||
        fail 2 "--include, --suite: apt cannot install this selection: $(apt_error "$work/log")"
    sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*\[\([a-z0-9]*\)\]).*/\1 \2 \3/p' "$work/plan" |
        sed 's/:/%3a/g' | awk '{ print $1 "_" $2 "_" $3 ".deb" }' | sort -u
}

get_packages() {
    local include name mib
    read -ra include <<<"$IMAGE_INCLUDE"
    mapfile -t essential < <(required)
    [ ${#essential[@]} -gt 0 ] || fail 2 "--suite $IMAGE_SUITE: the mirror has no such suite for arm64"
    if ! printf '%s\n' "${include[@]}" | grep -q '^linux-image-'; then
        base+=(linux-image-arm64)
    fi
    for name in "${include[@]}"; do
        apt-cache show "$name" >/dev/null 2>&1 || fail 2 "--include: Debian $IMAGE_SUITE has no package '$name'"
    done
    closure "${essential[@]}" usr-is-merged >"$work/required.list"
    closure "${essential[@]}" "${base[@]}" "${include[@]}" >"$work/all.list"
    grep -E '^linux-image-' "$work/all.list" >"$work/kernel.list" ||
        fail 2 "--include: there is no kernel in this selection"
    # What the required packages need may have been chosen differently in the whole selection.
    comm -12 "$work/required.list" "$work/all.list" >"$work/required.both"
    mv "$work/required.both" "$work/required.list"
    comm -23 "$work/all.list" "$work/required.list" | comm -23 - "$work/kernel.list" >"$work/others.list"
    mib=$(apt-get -y -q --print-uris install "${essential[@]}" "${base[@]}" "${include[@]}" |
        awk '/^\x27/ { n += $3 } END { printf "%d", (n + 1048575) / 1048576 }')
    count=$(wc -l <"$work/all.list")
    progress 1 "$count packages, $mib MiB to download"
    apt-get -y -q -d install "${essential[@]}" "${base[@]}" "${include[@]}" >"$work/log" 2>&1 ||
        fail 3 "downloading packages: $(apt_error "$work/log")"
    # The building machine's own shell; not part of the image.
    busybox=$(apt-get -s -q install busybox-static | sed -n 's/^Inst busybox-static (\([^ ]*\) .*/\1/p')
    busybox=busybox-static_${busybox//:/%3a}_arm64.deb
    apt-get -y -q -d install busybox-static >"$work/log" 2>&1 ||
        fail 3 "downloading busybox-static: $(apt_error "$work/log")"
}

# --- names that follow from what goes in -----------------------------------------------------------

# Everything that decides what the image contains, hashed; then as many names as are needed.
derive_names() {
    local newest=0 stamp file
    while read -r file; do
        # The time in the archive's first header is when the package was built.
        stamp=$(dd if="$apt/archives/$file" bs=1 skip=24 count=12 status=none | tr -cd 0-9)
        [ "${stamp:-0}" -le "$newest" ] || newest=$stamp
    done <"$work/all.list"
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$newest}
    export SOURCE_DATE_EPOCH
    seed=$(
        {
            (cd "$apt/archives" && xargs sha256sum <"$work/all.list")
            printf '%s\0' "$SOURCE_DATE_EPOCH" "$IMAGE_SIZE" "$IMAGE_SUITE" "$IMAGE_HOSTNAME" "$IMAGE_USER" "$IMAGE_PASSWORD"
            [ -z "$IMAGE_SSH_KEY" ] || cat "$IMAGE_SSH_KEY"
            cat "$here"/*
        } | sha256sum | cut -d' ' -f1
    )
}

derived() { # WHAT: 32 hexadecimal digits
    printf '%s %s' "$seed" "$1" | sha256sum | cut -c1-32
}

uuid() { # WHAT: RFC 9562's version 8, whose contents are free
    local hex
    hex=$(derived "$1")
    echo "${hex:0:8}-${hex:8:4}-8${hex:13:3}-9${hex:17:3}-${hex:20:12}"
}

quoted() {
    printf "'%s'" "${1//\'/\'\\\'\'}"
}

write_config() {
    local vfat
    vfat=$(derived esp | cut -c1-8 | tr a-f A-F)
    esp_id=$vfat
    root_uuid=$(uuid root)
    {
        echo "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"
        echo "HOSTNAME=$(quoted "$IMAGE_HOSTNAME")"
        echo "USERNAME=$(quoted "$IMAGE_USER")"
        echo "PASSWORD=$(quoted "$IMAGE_PASSWORD")"
        echo "SALT=$(quoted "$(derived salt | cut -c1-20)")"
        echo "ROOT_UUID=$(quoted "$root_uuid")"
        echo "HASH_SEED=$(quoted "$(uuid hash)")"
        echo "ESP_UUID=$(quoted "${vfat:0:4}-${vfat:4:4}")"
        echo "SUITE=$(quoted "$IMAGE_SUITE")"
        echo "MIRROR=$(quoted "$mirror")"
        echo "SECURITY_MIRROR=$(quoted "$security")"
    } >"$1"
}

# --- the building machine's disks ------------------------------------------------------------------

# Packages as dpkg takes them, without compression: that is quicker undone here than in there.
# An ar archive's header line has the member's name, time, owner, group, mode and size.
plain_debs() { # FILE...
    local file member size dir
    dir=$(mktemp -d "$work/deb-XXXXXX")
    echo 2.0 >"$dir/debian-binary"
    for file in "$@"; do
        dpkg-deb --ctrl-tarfile "$apt/archives/$file" >"$dir/control.tar"
        dpkg-deb --fsys-tarfile "$apt/archives/$file" >"$dir/data.tar"
        {
            printf '!<arch>\n'
            for member in debian-binary control.tar data.tar; do
                size=$(stat -c %s "$dir/$member")
                printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' "$member" 0 0 0 100644 "$size"
                cat "$dir/$member"
                [ $((size % 2)) = 0 ] || printf '\n'
            done
        } >"$work/packages/${file//%3a/.}"
    done
    rm -rf "$dir"
}

make_packages_disk() {
    local file dir=$work/packages
    mkdir "$dir"
    export -f plain_debs
    export work apt
    xargs -P "$(nproc)" -n 8 bash -euc 'plain_debs "$@"' plain_debs <"$work/all.list"
    step 5 "making the building machine's disks"
    for file in required others kernel; do
        sed 's/%3a/./g' "$work/$file.list" >"$dir/$file.list"
    done
    make_disk "$work/packages.img" armvm-packages "$(uuid packages)" "$dir" $(($(du -sm "$dir" | cut -f1) * 11 / 10 + 64))
    rm -rf "$dir"
}

make_work_disk() {
    local file dir=$work/tree
    mkdir -p "$dir"/usr/{bin,sbin,lib}
    ln -s usr/bin usr/sbin usr/lib "$dir/"
    while read -r file; do
        dpkg-deb --fsys-tarfile "$apt/archives/$file" |
            tar -x -p --no-same-owner --keep-directory-symlink --warning=no-timestamp -C "$dir"
    done <"$work/required.list"
    # The UUID that the image will have: what the boot menu is made from.
    make_disk "$work/work.img" armvm-work "$(uuid root)" "$dir" $((installed * 14 / 10 + 512))
    chmod -R u+rwX "$dir"
    rm -rf "$dir"
}

make_disk() { # FILE LABEL UUID TREE MIB
    truncate -s "$5M" "$1"
    mke2fs -q -F -t ext4 -O ^has_journal -m 0 -L "$2" -U "$3" -E "hash_seed=$(uuid hash),root_owner=0:0" -d "$4" "$1" \
        >"$work/log" 2>&1 || fail 3 "mke2fs: $(tail -n 1 "$work/log")"
}

# A module, after those that it says it depends on.
add_module() { # FROM NAME TO
    local file depends name
    file=$(find "$1" -name "$2.ko" -o -name "${2//_/-}.ko" | head -n 1)
    if [ -z "$file" ] || [ -e "$3/${file##*/}" ]; then
        return
    fi
    depends=$(grep -aoz '^depends=.*' "$file" | tr -d '\0')
    for name in $(tr ',' ' ' <<<"${depends#depends=}"); do
        add_module "$1" "$name" "$3"
    done
    cp "$file" "$3/"
    echo "${file##*/}" >>"$3/order"
}

# The kernel of the image boots the machine that builds it.
make_initrd() {
    local dir=$work/initrd tree=$work/kernel deb module
    mkdir -p "$dir/bin" "$dir/modules" "$tree"
    deb=$(grep -E '^linux-image-[0-9]' "$work/kernel.list" | head -n 1)
    dpkg-deb --fsys-tarfile "$apt/archives/$deb" | tar -x --no-same-owner -C "$tree"
    dpkg-deb --fsys-tarfile "$apt/archives/$busybox" | tar -x --no-same-owner -O ./bin/busybox >"$dir/bin/busybox"
    cp "$tree"/boot/vmlinuz-* "$work/vmlinuz"
    # crc32c is asked for by name when ext4 runs; what is not there is built in.
    for module in virtio_mmio virtio_blk crc32c_generic ext4; do
        add_module "$tree/lib/modules" "$module" "$dir/modules"
    done
    cp "$here/builder-init" "$dir/init"
    mkdir "$dir/armvm"
    cp "$here"/{install,settings,pack}.sh "$dir/armvm/"
    write_config "$dir/armvm/config"
    : >"$dir/armvm/authorized_keys"
    [ -z "$IMAGE_SSH_KEY" ] || cat "$IMAGE_SSH_KEY" >"$dir/armvm/authorized_keys"
    chmod 755 "$dir/init" "$dir/bin/busybox"
    (cd "$dir" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$work/initrd.img"
    rm -rf "$tree"
}

make_image() {
    truncate -s "$IMAGE_SIZE" "$IMAGE_OUT" 2>"$work/log" || fail 3 "$(sed 's/^truncate: //' "$work/log")"
    local mib=$((IMAGE_SIZE / MIB))
    sfdisk -q --no-reread --no-tell-kernel "$IMAGE_OUT" >"$work/log" 2>&1 <<END || fail 3 "sfdisk: $(tail -n 1 "$work/log")"
label: gpt
label-id: $(uuid disk)
unit: sectors
first-lba: 34
start=2048, size=$((ESP_MIB * 2048)), type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=$(uuid esp), name="EFI system partition"
start=$(((ESP_MIB + 1) * 2048)), size=$(((mib - ESP_MIB - 2) * 2048)), type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE, uuid=$(uuid root-partition), name="root"
END
}

# --- the installation ----------------------------------------------------------------------------

# Stages as installed by the machine, with the share of the time at which each begins.
stage_percent() {
    case $1 in
    required) echo 10 ;;
    unpack) echo 25 ;;
    configure) echo 40 ;;
    kernel) echo 65 ;;
    settings) echo 85 ;;
    pack) echo 88 ;;
    end) echo 97 ;;
    esac
}

stage_text() {
    case $1 in
    required) echo "installing what dpkg itself needs" ;;
    unpack) echo "unpacking the packages" ;;
    configure) echo "configuring the packages" ;;
    kernel) echo "installing the kernel, making its initial RAM disk" ;;
    settings) echo "users, network, boot menu" ;;
    pack) echo "writing the root file system" ;;
    esac
}

install_in_machine() {
    local line stage='' percent=10 next=10 steps=0 complete='' failure='' error='' status=0 words
    exec 5< <(exec "$IMAGE_ARMVM" run --kernel "$work/vmlinuz" --initrd "$work/initrd.img" --cpus 2 --memory 1G --net none \
        --append "console=ttyAMA0 quiet panic=-1" --serial stdio --timeout 2h \
        --disk "path=$work/work.img" --disk "path=$work/packages.img,readonly" --disk "path=$IMAGE_OUT" \
        2>"$work/armvm.log" </dev/null)
    machine=$!
    while IFS= read -r line <&5; do
        line=${line%$'\r'}
        [ "$IMAGE_PROGRESS" != all ] || printf '%s\n' "$line" >&2
        case $line in
        "@armvm stage "*)
            stage=${line#@armvm stage }
            percent=$(stage_percent "$stage")
            steps=0
            progress "$percent" "$(stage_text "$stage")"
            case $stage in
            required) next=25 ;; unpack) next=40 ;; configure) next=65 ;; kernel) next=85 ;; settings) next=88 ;; *) next=97 ;;
            esac
            ;;
        "@armvm step "*)
            steps=$((steps + 1))
            words=${line#@armvm step }
            step $((percent + (next - percent) * (steps < count ? steps : count) / count)) "$words"
            ;;
        "@armvm failed "*) failure=${failure:-${line#@armvm failed }} ;;
        "@armvm complete") complete=1 ;;
        *"dpkg: error"* | *"E: "* | *"Kernel panic"* | *"cannot "* | *": error"*) error=${error:-$line} ;;
        esac
        printf '%s\n' "$line" >>"$work/console.log"
    done
    wait "$machine" || status=$?
    machine=
    exec 5<&-
    if [ -z "$complete" ]; then
        if [ -n "${IMAGE_LOG:-}" ]; then
            cp "$work/console.log" "$IMAGE_LOG" 2>/dev/null || true
        fi
        [ -s "$work/armvm.log" ] && failure=$(tail -n 1 "$work/armvm.log")
        fail 1 "${failure:-the building machine ended (status $status)}${error:+: $error}; --verbose shows its console"
    fi
}

# --- finishing -----------------------------------------------------------------------------------

# The times that nothing in the guest could set: of changes to inodes, and of reading them.
settle_times() {
    local offset=$(((ESP_MIB + 1) * MIB)) last
    last=$(dumpe2fs -h "$IMAGE_OUT?offset=$offset" 2>/dev/null |
        awk '/^Inode count:/ { n = $3 } /^Free inodes:/ { f = $3 } END { print n - f }')
    local when
    when=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)
    awk -v last="$last" -v when="$when" 'BEGIN {
        for (i = 2; i <= last; i++) {
            if (i > 2 && i < 11) continue
            printf "sif <%d> ctime %s\nsif <%d> atime %s\n", i, when, i, when
        } }' >"$work/commands"
    E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH debugfs -w -f "$work/commands" "$IMAGE_OUT?offset=$offset" >"$work/log" 2>&1 ||
        fail 3 "debugfs: $(tail -n 1 "$work/log")"
}

make_esp() {
    local esp=$work/esp.img deb dir=$work/esp
    deb=$(grep '^grub-efi-arm64-bin_' "$work/all.list")
    mkdir -p "$dir/EFI/BOOT" "$dir/EFI/debian"
    dpkg-deb --fsys-tarfile "$apt/archives/$deb" |
        tar -x --no-same-owner -O ./usr/lib/grub/arm64-efi/monolithic/grubaa64.efi >"$dir/EFI/BOOT/BOOTAA64.EFI"
    cat >"$dir/EFI/debian/grub.cfg" <<END
search.fs_uuid $root_uuid root
set prefix=(\$root)'/boot/grub'
configfile \$prefix/grub.cfg
END
    find "$dir" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    truncate -s ${ESP_MIB}M "$esp"
    # 2 KiB clusters: far more of them than the 65525 that make it FAT32.
    mkfs.fat -F 32 -s 4 -h 2048 --invariant -n ESP -i "$esp_id" "$esp" >"$work/log" 2>&1 || fail 3 "mkfs.fat: $(tail -n 1 "$work/log")"
    mcopy -i "$esp" -s -m -Q "$dir/EFI" ::/ >"$work/log" 2>&1 || fail 3 "mcopy: $(tail -n 1 "$work/log")"
    dd if="$esp" of="$IMAGE_OUT" bs=1M seek=1 conv=notrunc,sparse status=none
    rm -f "$esp"
}

# -------------------------------------------------------------------------------------------------

main() {
    local file size needed
    need apt-get apt
    need dpkg-deb dpkg
    need mke2fs e2fsprogs
    need debugfs e2fsprogs
    need sfdisk fdisk
    need mkfs.fat dosfstools
    need mcopy mtools
    need cpio cpio
    work=$(mktemp -d "${TMPDIR:-/var/tmp}/armvm-image-XXXXXX") || fail 3 "TMPDIR: no room for temporary files"
    apt=$IMAGE_CACHE/image-$IMAGE_SUITE-arm64
    mkdir -p "$apt" 2>/dev/null || fail 3 "the cache directory $apt cannot be made; ARMVM_CACHE names another one"
    exec 9>"$apt/lock"
    if ! flock -n 9; then
        progress 0 "waiting for another armvm image create that is downloading"
        flock 9
    fi
    apt_configure
    apt_update
    get_packages
    installed=0
    while read -r size; do
        installed=$((installed + size))
    done < <(while read -r file; do dpkg-deb -f "$apt/archives/$file" Installed-Size; done <"$work/all.list")
    installed=$((installed / 1024 + 1))
    needed=$((installed * 115 / 100 + 200 + ESP_MIB))
    [ $((IMAGE_SIZE / MIB)) -ge "$needed" ] ||
        fail 2 "--size $((IMAGE_SIZE / MIB))M is too small for this selection of packages; it needs ${needed}M"
    derive_names
    progress 3 "unpacking for the building machine"
    make_packages_disk
    make_work_disk
    make_initrd
    flock -u 9
    make_image
    progress 9 "starting the building machine"
    install_in_machine
    progress 97 "writing the EFI system partition, checking"
    settle_times
    make_esp
    e2fsck -fn "$IMAGE_OUT?offset=$(((ESP_MIB + 1) * MIB))" >"$work/log" 2>&1 ||
        fail 1 "the root file system has errors: $(grep -v '^Pass\|^e2fsck' "$work/log" | head -n 1)"
    finished=1
    progress 100 "done"
}

# Read as a whole before it runs: the file may change meanwhile.
{
    main
    exit
}
