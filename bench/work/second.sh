# SPDX-License-Identifier: Apache-2.0
# Installs Debian's required packages as debootstrap's second stage does, in a tree where they are
# unpacked so far that dpkg can run. "unpack" does the first part, "configure" the rest.
set -e
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true PATH=/usr/sbin:/usr/bin:/sbin:/bin
named() {
    for package; do echo /archives/"${package}"_*.deb; done
}
install() {
    dpkg --force-depends --install $(named "$@")
}
exec >>/log 2>&1
if [ "$1" = unpack ]; then
    mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates
    : >>/var/lib/dpkg/status
    : >>/var/lib/dpkg/available
    ln -sf mawk /usr/bin/awk
    install base-passwd
    install base-files dpkg
    install libc6 perl-base
    rm -f /usr/bin/awk
    install mawk debconf
    dpkg --force-depends --skip-same-version --unpack /archives/*.deb
else
    dpkg --force-depends --force-configure-any --configure --pending
    [ -z "$(dpkg --audit)" ]
fi
