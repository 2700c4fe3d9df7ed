# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2013
# Run in the small guest: says what the UEFI variables hold, then writes them without end, each value
# one more than the last. On the kernel's command line: vars.writes=N (then vars.end=reset|off ends
# the guest).
# Lines end with a dot, so that half a line, cut off by the guest's end, is not taken for one.
insmod /t/efivarfs.ko
dir=/sys/firmware/efi/efivars
mount -t efivarfs none $dir || { echo "vars: broken: no efivarfs."; exit 1; }
vendor=cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0 # whose variables Linux lets be written over
writes=
end=
for word in $(cat /proc/cmdline); do
    case $word in
    vars.writes=*) writes=${word#*=} ;;
    vars.end=*) end=${word#*=} ;;
    esac
done

# A value is its number again and again, so that a mixture of two is seen.
number_in() { # NAME
    [ -e "$dir/$1-$vendor" ] || { echo 0; return; }
    dd if="$dir/$1-$vendor" bs=64k 2>/dev/null | tail -c +5 >/tmp/value
    numbers=$(tr ' ' '\n' </tmp/value | sed '/^$/d' | sort -u)
    case $numbers in
    '' | *[!0-9]*) echo "vars: broken: $1 is '$(head -c 200 /tmp/value)'." >/dev/console; echo 0 ;;
    *) echo "$numbers" ;;
    esac
}

write() { # NAME NUMBER COUNT: false if the store is full
    { printf '\007\000\000\000'; yes "$2" | head -n "$3" | tr '\n' ' '; } >/tmp/new
    dd if=/tmp/new of="$dir/$1-$vendor" bs=64k 2>/dev/null
}

even=$(number_in Even)
odd=$(number_in Odd)
n=$even
[ "$odd" -gt "$even" ] && n=$odd
if [ "$n" = 0 ]; then
    write Kept 4711 20
elif [ "$(number_in Kept)" != 4711 ]; then
    echo "vars: broken: what was written long ago is gone."
fi
echo "vars: read $n."
count=0
while [ -z "$writes" ] || [ $count -lt "$writes" ]; do
    n=$((n + 1))
    case $((n & 1)) in
    0) write Even $n $((10 + n * 37 % 400)) ;;
    1) write Odd $n $((10 + n * 53 % 400)) ;;
    esac || {
        # Firmware makes room when it starts, not while an operating system runs.
        [ $count != 0 ] || echo "vars: broken: cannot write $n."
        echo "vars: full."
        reboot -f
    }
    count=$((count + 1))
    echo "vars: wrote $n."
    case $((n & 15)) in
    3) write "Passing" $n 30 ;;
    11) rm -f "$dir/Passing-$vendor" ;;
    esac
done
case $end in
reset) reboot -f ;;
off) poweroff -f ;;
esac
