#!/usr/bin/env bash
# The first boot of Raspberry Pi OS Bookworm: systemd.run= in cmdline.txt names this file, so
# that it runs once, as root, before anything else and without a network. Its values are in
# bittern/firstrun.conf beside it. Whatever goes wrong, it takes itself out of cmdline.txt and
# ends well: otherwise the Pi would power off, or begin here again for ever.
set -uo pipefail

BOOT=${BITTERN_BOOT:-/boot/firmware}
ROOT=${BITTERN_ROOT:-}
brought=$BOOT/bittern
hostname='' user='' password_hash='*' ssh_key='' timezone=''
wifi_ssid='' wifi_psk='' wifi_security=wpa-psk wifi_hidden=false wifi_country=''

told() {
    printf '%s\n' "firstrun: $*" | tee -a "$BOOT/bittern-report.txt"
}

# shellcheck disable=SC2317  # the trap calls it
finish() {
    sed -i -E 's/ ?systemd\.(run|run_success_action|unit)=[^ ]*//g' "$BOOT/cmdline.txt"
    shred --force --remove -- "$brought/firstrun.conf" 2>/dev/null || rm -f -- "$brought/firstrun.conf"
    rm -f -- "$BOOT/firstrun.sh"
    rmdir -- "$brought" 2>/dev/null
    sync
    exit 0
}
trap finish EXIT

# try WHAT COMMAND…: one thing that fails must not cost the others.
try() {
    "${@:2}" || told "$1 failed with status $?"
}

set_hostname() {
    local old
    old=$(tr -d '[:space:]' <"$ROOT/etc/hostname")
    printf '%s\n' "$hostname" >"$ROOT/etc/hostname"
    if grep -q '^127\.0\.1\.1' "$ROOT/etc/hosts"; then
        sed -i "s/^127\.0\.1\.1.*/127.0.1.1\t$hostname/" "$ROOT/etc/hosts"
    else
        printf '127.0.1.1\t%s\n' "$hostname" >>"$ROOT/etc/hosts"
    fi
    told "the name is $hostname, it was $old"
}

# Raspberry Pi OS comes with a first user without a name that one could log in with; its own
# tool gives that user the name.
make_user() {
    if [ -x /usr/lib/userconf-pi/userconf ]; then
        /usr/lib/userconf-pi/userconf "$user" "$password_hash"
    elif ! getent passwd "$user" >/dev/null; then
        useradd --create-home --shell /bin/bash --groups sudo --password "$password_hash" "$user"
    fi
    if [ "$password_hash" = '*' ]; then
        # Without a password sudo could never be used.
        printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$user" >"$ROOT/etc/sudoers.d/010_$user"
        chmod 0440 "$ROOT/etc/sudoers.d/010_$user"
    fi
}

let_in() {
    local home
    if [ -n "$ssh_key" ]; then
        home=$(getent passwd "$user" | cut -d: -f6)
        install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
        printf '%s\n' "$ssh_key" >"$home/.ssh/authorized_keys"
        chown "$user:$user" "$home/.ssh/authorized_keys"
        chmod 0600 "$home/.ssh/authorized_keys"
    fi
    systemctl enable --quiet ssh
}

# A file of NetworkManager. The name of a network may be any bytes, and is written as such.
join_network() {
    local folder=$ROOT/etc/NetworkManager/system-connections
    local file=$folder/bittern-wifi.nmconnection
    install -d -m 0700 "$folder"
    (
        umask 077
        cat >"$file" <<CONNECTION
[connection]
id=bittern-wifi
uuid=$(cat /proc/sys/kernel/random/uuid)
type=wifi

[wifi]
mode=infrastructure
ssid=$(printf '%s' "$wifi_ssid" | od -An -v -t u1 | tr -s ' \n' ';' | sed 's/^;//')
hidden=$wifi_hidden

[ipv4]
method=auto

[ipv6]
method=auto
CONNECTION
        if [ -n "$wifi_psk" ]; then
            # A passphrase (for a network that takes WPA3 alone) may hold what these files
            # write in another way: a backslash, and a blank at either end.
            printf '\n[wifi-security]\nkey-mgmt=%s\npsk=%s\n' "$wifi_security" \
                "$(printf '%s' "$wifi_psk" | sed 's/\\/\\\\/g; s/^ /\\s/; s/ $/\\s/')" >>"$file"
        fi
    )
}

allow_radio() {
    local switch
    if command -v raspi-config >/dev/null; then
        raspi-config nonint do_wifi_country "$wifi_country"
    fi
    command -v rfkill >/dev/null && rfkill unblock wifi
    for switch in "$ROOT"/var/lib/systemd/rfkill/*:wlan; do
        [ ! -e "$switch" ] || echo 0 >"$switch"
    done
}

set_zone() {
    ln -sfn "/usr/share/zoneinfo/$timezone" "$ROOT/etc/localtime"
    printf '%s\n' "$timezone" >"$ROOT/etc/timezone"
}

if [ ! -r "$brought/firstrun.conf" ]; then
    told 'there is no firstrun.conf: nothing was set up'
    exit 0
fi
# shellcheck source=/dev/null
. "$brought/firstrun.conf"
# The key first: nothing after this may keep it on the boot partition.
if [ -e "$brought/provision.sh" ]; then
    try 'taking the files off the boot partition' bash "$brought/provision.sh" begin later
fi
[ -z "$hostname" ] || try 'the host name' set_hostname
[ -z "$user" ] || try 'the user' make_user
[ -z "$user" ] || try 'ssh' let_in
[ -z "$timezone" ] || try 'the time zone' set_zone
if [ -n "$wifi_ssid" ]; then
    try 'the country of the radio' allow_radio
    try 'the network' join_network
fi
