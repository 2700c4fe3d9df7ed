# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by install.sh: what makes of Debian's packages a system that boots on every virtual
# machine which keeps to the specification.

settings_before() { # while the packages are unpacked, not configured
    echo "$HOSTNAME" >/etc/hostname
    printf '127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost ip6-localhost ip6-loopback\n' "$HOSTNAME" >/etc/hosts
    printf 'LANG=C.UTF-8\n' >/etc/default/locale
    cat >/etc/fstab <<END
UUID=$ROOT_UUID / ext4 errors=remount-ro,x-systemd.growfs 0 1
UUID=$ESP_UUID /boot/efi vfat umask=0077 0 1
END
    mkdir -p /boot/efi

    # Upgrades of GRUB must reach the path that needs no boot entry.
    debconf-set-selections <<END
grub-efi-arm64 grub2/force_efi_extra_removable boolean true
END
    mkdir -p /etc/default/grub.d
    cat >/etc/default/grub.d/vm.cfg <<'END'
# Which console there is, the machine decides. The kernel uses all that it finds; /dev/console is the
# last of these if the machine has it, else tty0, which is always there: the initial RAM disk does not
# start without any, and it is what loads the driver of hvc0.
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0 console=hvc0 console=ttyAMA0"
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_TERMINAL=console
GRUB_TIMEOUT=1
GRUB_DISABLE_OS_PROBER=true
END

    # All transports that a disk or a console may have, whatever built the image.
    cat >/etc/initramfs-tools/hooks/vm-drivers <<'END'
#!/bin/sh
[ "$1" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules virtio_pci virtio_mmio virtio_blk virtio_net virtio_scsi virtio_console \
    virtio_balloon virtio-rng virtio_gpu xen-blkfront xen-netfront xen-scsifront sd_mod sr_mod \
    nvme ahci ext4 vfat nls_cp437 nls_ascii nls_iso8859-1
END
    chmod 755 /etc/initramfs-tools/hooks/vm-drivers

    mkdir -p /etc/systemd/network /etc/repart.d /etc/systemd/system/ssh.service.d
    cat >/etc/systemd/network/80-dhcp.network <<'END'
[Match]
Name=en* eth*

[Network]
DHCP=yes
END
    cat >/etc/repart.d/50-root.conf <<'END'
# The root partition takes what a larger disk leaves free; the mount option x-systemd.growfs does
# the same for the file system.
[Partition]
Type=root
END
    cat >/etc/systemd/system/ssh-host-keys.service <<'END'
[Unit]
Description=Generate this machine's SSH host keys
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
END
    # sshd's own check of its configuration fails without keys.
    printf '[Unit]\nRequires=ssh-host-keys.service\nAfter=ssh-host-keys.service\n' \
        >/etc/systemd/system/ssh.service.d/host-keys.conf
    {
        echo "deb $MIRROR $SUITE main"
        echo "deb $MIRROR $SUITE-updates main"
        echo "deb $SECURITY_MIRROR $SUITE-security main"
    } >/etc/apt/sources.list
}

settings_after() { # everything is configured
    systemctl enable systemd-networkd.service systemd-resolved.service ssh-host-keys.service
    ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf

    useradd --create-home --shell /bin/bash --user-group --groups sudo,adm,systemd-journal "$USERNAME"
    if [ -n "$PASSWORD" ]; then
        hash=$(PASSWORD=$PASSWORD SALT=$SALT perl -e 'print crypt($ENV{PASSWORD}, "\$y\$j9T\$" . $ENV{SALT})')
        case $hash in
        '$y$'*) ;;
        *) echo "@armvm failed the password cannot be hashed"; exit 1 ;;
        esac
        echo "$USERNAME:$hash" | chpasswd --encrypted
    elif [ -s /run/armvm/authorized_keys ]; then
        usermod --password '*' "$USERNAME"
    else
        usermod --password '' "$USERNAME" # at the console only: sshd refuses empty passwords
    fi
    if [ -s /run/armvm/authorized_keys ]; then
        mkdir -m 700 "/home/$USERNAME/.ssh"
        cp /run/armvm/authorized_keys "/home/$USERNAME/.ssh/authorized_keys"
        chmod 600 "/home/$USERNAME/.ssh/authorized_keys"
        chown -R "$USERNAME:$USERNAME" "/home/$USERNAME/.ssh"
        if [ -z "$PASSWORD" ]; then
            echo "$USERNAME ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/$USERNAME"
            chmod 440 "/etc/sudoers.d/$USERNAME"
        fi
    fi

    mkdir -p /boot/grub/arm64-efi
    cp /usr/lib/grub/arm64-efi/*.mod /usr/lib/grub/arm64-efi/*.lst /boot/grub/arm64-efi/
    update-grub
    grep -q "root=UUID=$ROOT_UUID" /boot/grub/grub.cfg || {
        echo "@armvm failed update-grub wrote no entry for the root file system"
        exit 1
    }
}
