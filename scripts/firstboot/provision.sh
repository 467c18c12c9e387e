#!/usr/bin/env bash
# Makes an appliance of a fresh Raspberry Pi, from what scripts/make-firstboot.sh has put on
# its boot partition. Runs on the Pi, as root.
#
#   provision.sh begin   called by cloud-init (Trixie) or firstrun.sh (Bookworm): takes the key
#                        and everything else off the boot partition, into a folder of root;
#                        with "later" the installation begins with the next boot
#   provision.sh card    leaves nothing on the card that is secret or that is run again: part of run
#   provision.sh run     called by bittern-provision.service, at every boot and every two
#                        minutes, until scripts/install.sh has succeeded
#
# The power may go at any moment. What is on the boot partition is removed only after its copy
# is safely on the disk, so both can be done again; and the key is copied and removed first,
# before anything that could fail. How far it came is in bittern-report.txt on the boot
# partition, for people without a screen on their Pi.
set -euo pipefail
umask 077

BOOT=${BITTERN_BOOT:-/boot/firmware}
WORK=${BITTERN_WORK:-/var/lib/bittern-provision}
SELF=${BITTERN_SELF:-/usr/local/sbin/bittern-provision}
UNIT=${BITTERN_UNIT:-/etc/systemd/system/bittern-provision.service}
CLOUD=${BITTERN_CLOUD:-/etc/cloud}
CLOUD_WITHIN_S=${BITTERN_CLOUD_WITHIN_S:-180}
CLOCK_WITHIN_S=${BITTERN_CLOCK_WITHIN_S:-180}

brought=$BOOT/bittern
report=$BOOT/bittern-report.txt

# told TEXT…: to the journal, and to whoever puts the card into a computer.
told() {
    printf '%s\n' "$*"
    printf '%s  %s\n' "$(date '+%Y-%m-%d %H:%M:%S')" "$*" >>"$report" || true
}

# take FILE: copy it from the boot partition, and only then remove it there.
take() {
    local from=$brought/$1 to=$WORK/$1
    [ -e "$from" ] || return 0
    cp -- "$from" "$to.new"
    sync -- "$to.new"
    mv -f -- "$to.new" "$to"
    sync -- "$WORK"
    shred --force --remove -- "$from" 2>/dev/null || rm -f -- "$from"
    sync -- "$brought"
}

begin() {
    command install -d -m 0700 "$WORK"
    take key
    take bittern.toml
    take release.tar.gz
    take provision.conf # the last: the service waits for it
    command install -m 0755 "$brought/provision.sh" "$SELF"
    command install -m 0644 "$brought/bittern-provision.service" "$UNIT"
    systemctl daemon-reload
    systemctl enable --quiet "$(basename -- "$UNIT")"
    sync -- "$SELF" "$UNIT" "$(dirname -- "$SELF")" "$(dirname -- "$UNIT")"
    rm -f -- "$brought/bittern-provision.service" "$brought/provision.sh"
    rmdir -- "$brought" 2>/dev/null || true # firstrun.sh still has something there
    told 'the key and the files are off the boot partition'
    if [ "${1:-}" != later ]; then
        # Not waited for: it waits for the network, and we may be what the network waits for.
        systemctl start --no-block "$(basename -- "$UNIT")"
    fi
}

# A Pi has no clock of its own, and with a wrong date no certificate is valid.
wait_for_the_clock() {
    local until=$((SECONDS + CLOCK_WITHIN_S))
    while [ "$(timedatectl show --property NTPSynchronized --value 2>/dev/null)" != yes ]; do
        if [ "$SECONDS" -ge "$until" ]; then
            told 'nobody has told the time yet; trying all the same'
            return 0
        fi
        sleep 2
    done
}

# The first boot of Trixie has been cloud-init's, which would look at the boot partition for orders
# (and find the password of the network there) at every start to come. It has done its work:
# users, keys and time zone are there once its third stage has ended. Not waited for is the
# fourth, which waits for us, and of which we use nothing but the line about ssh.
leave_card() {
    [ -d "$CLOUD" ] && [ -e "$BOOT/user-data" ] || return 0
    local until=$((SECONDS + CLOUD_WITHIN_S)) file
    until [ "$(systemctl show --property ActiveState --value cloud-config.service 2>/dev/null)" = active ]; do
        [ "$SECONDS" -lt "$until" ] || return 0 # the next start sees to it
        sleep 1
    done
    systemctl enable --quiet --now ssh 2>/dev/null || true
    # A file of this name, whatever is in it, keeps it from starting (cloud-init's own words).
    printf 'The first boot is over (Bittern). To have cloud-init again, remove this file.\n' \
        >"$CLOUD/cloud-init.disabled"
    sync -- "$CLOUD/cloud-init.disabled" "$CLOUD"
    printf '#cloud-config\n# The first boot is over.\n' | write_over "$BOOT/user-data"
    if [ -e "$BOOT/network-config" ]; then
        printf 'network: {config: disabled}\n' | write_over "$BOOT/network-config"
    fi
    for file in "$BOOT"/network-config.* "$BOOT"/user-data.*; do
        [ ! -e "$file" ] || shred --force --remove -- "$file" 2>/dev/null || rm -f -- "$file"
    done
    told 'cloud-init is off; the password of the network is off the boot partition'
}

# write_over FILE: what was in it is overwritten where it lies, as far as a card lets one do that.
write_over() {
    cat >"$1.bittern"
    shred --force -- "$1" 2>/dev/null || true
    mv -f -- "$1.bittern" "$1"
    sync -- "$1" "$(dirname -- "$1")"
}

fingerprint() {
    sha256sum "$BOOT/config.txt" 2>/dev/null || true
}

run() {
    # shellcheck source=/dev/null
    . "$WORK/provision.conf"
    leave_card
    wait_for_the_clock
    # shellcheck disable=SC2154  # from provision.conf
    printf '%s  %s\n' "$release_sha256" "$WORK/release.tar.gz" | sha256sum --check --quiet || {
        told 'the release did not come over whole: write the card again'
        return 1
    }
    rm -rf -- "$WORK/clone"
    mkdir -- "$WORK/clone"
    tar --extract --gzip --no-same-owner --file "$WORK/release.tar.gz" --directory "$WORK/clone"
    local options=(--unattended --settings "$WORK/bittern.toml") before
    # shellcheck disable=SC2154  # from provision.conf
    [ ! -e "$WORK/key" ] || options+=(--key-file "$WORK/key" --key-name "$key_name")
    before=$(fingerprint)
    # Our own files are root's alone; what is installed is for the appliance's user to read.
    if ! (umask 022 && "$WORK/clone/scripts/install.sh" "${options[@]}") >"$WORK/log" 2>&1; then
        told "the installation failed; it is tried again. Its last lines:"
        tail -n 15 -- "$WORK/log" | tee -a "$report"
        return 1
    fi
    tail -n 60 -- "$WORK/log" | tee -a "$report"
    told 'the appliance is installed'
    local restart=no
    [ "$(fingerprint)" = "$before" ] || restart=yes
    leave
    if [ "$restart" = yes ]; then
        told 'the board needs a restart, which is now'
        systemctl reboot
    fi
}

# Nothing is reloaded here: systemd would forget how long this very unit may take, and end it.
leave() {
    systemctl disable --quiet --no-reload "$(basename -- "$UNIT")"
    [ ! -e "$WORK/key" ] || shred --force --remove -- "$WORK/key" || rm -f -- "$WORK/key"
    rm -rf -- "$WORK" "$UNIT" "$SELF"
}

case ${1:-} in
begin) begin "${2:-}" ;;
card) leave_card ;;
run) run ;;
*)
    echo 'usage: provision.sh begin [later]|card|run' >&2
    exit 2
    ;;
esac
