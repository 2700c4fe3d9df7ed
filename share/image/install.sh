#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside the building machine, in the system that is being installed: what debootstrap calls the
# second stage. The packages were unpacked only so far that dpkg runs; from here on dpkg does
# everything itself, as root of this machine, so that owners, modes, scripts and its database are
# right. Lines that begin with @armvm are for share/image/create.sh.
set -eu
umask 022
. /run/armvm/config
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C TZ=UTC
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin SOURCE_DATE_EPOCH

packages=/run/armvm/packages

stage() {
    echo "@armvm stage $*"
}

# Runs dpkg and passes its progress on as steps.
exec 3>&1
run_dpkg() {
    {
        dpkg --status-fd 4 --force-unsafe-io "$@" 4>&1 1>&3 2>&3 3>&- && result=0 || result=$?
        echo "exit $result"
    } | {
        result=1
        while read -r word rest; do
            case $word in
            processing:) echo "@armvm step $rest" ;;
            exit) result=$rest ;;
            esac
        done
        [ "$result" = 0 ]
    }
}

named() { # PACKAGE...: their files
    for package in "$@"; do
        echo "$packages/$package"_*.deb
    done
}

listed() { # LIST: the files that it names
    sed "s|^|$packages/|" "$packages/$1.list"
}

# Who unpacked these on the host may own no files but his own.
find / -xdev ! '(' -uid 0 -gid 0 ')' -exec chown -h 0:0 {} +
chgrp 50 /var/local
chmod 2775 /var/local

# No service starts here.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

stage required
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
: >>/var/lib/dpkg/status
: >>/var/lib/dpkg/available
ln -sf mawk /usr/bin/awk
ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime
run_dpkg --force-depends --install $(named base-passwd)
run_dpkg --force-depends --install $(named base-files dpkg)
run_dpkg --force-depends --install $(named libc6 perl-base)
rm -f /usr/bin/awk
run_dpkg --force-depends --install $(named mawk debconf)
run_dpkg --force-depends --skip-same-version --unpack $(listed required)
run_dpkg --force-depends --force-configure-any --configure --pending

stage unpack
run_dpkg --force-depends --unpack $(listed others)
. /run/armvm/settings.sh
settings_before

stage configure
run_dpkg --configure --pending

stage kernel
run_dpkg --unpack $(listed kernel)
run_dpkg --configure --pending
[ -z "$(dpkg --audit)" ]

stage settings
settings_after
rm -f /usr/sbin/policy-rc.d
