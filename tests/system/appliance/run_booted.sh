#!/usr/bin/env bash
# Install, use, break and remove the appliance in a Debian that systemd has really booted.
#
#   tests/system/appliance/run_booted.sh ROOT [MODELS [PART…]]
#
# ROOT is the folder of a Debian system; it is made with mmdebstrap if it is not there, and
# only read afterwards: everything is written to an overlay beside it. MODELS is a model
# store to copy from instead of fetching ('' for none). The PARTs are the files of booted/;
# without any, all of them but "hour" (see there), and the removal at the end (the part "removal").
# BITTERN_RECORDINGS names recordings of people to speak into the microphone.
#
# Needs root, systemd-nspawn, overlayfs, and pulseaudio, whose null sinks are the sound card.
# Prints "ok …", "not ok …" or "skip …" for each statement; ends with 0 when none is false.
# The container has all capabilities and may load BPF programs: so that the network sandbox
# (PrivateNetwork, IPAddressDeny, SocketBindDeny) is enforced in it and not only written down.
# MemoryMax needs the kernel's memory controller, which belongs to the old hierarchies on some
# machines; a Debian 12 can use it there, and nothing but the part "memory" is meant for that:
#
#   BITTERN_LEGACY_CGROUPS=1 BITTERN_SUITE=bookworm …/run_booted.sh ROOT MODELS memory
#
# Not shown here: what real GPIO lines do (tests/system/panel/run_on_gpio_sim.sh), and how fast
# a Raspberry Pi is.
# shellcheck disable=SC2016  # what stands in single quotes is for the shell inside
set -uo pipefail

{ # Read as a whole before it begins: it runs for minutes, and somebody may edit it meanwhile.
root=$1 models=${2:-}
parts=("${@:3}")
all_parts=(service brain tools camera key journal sandbox settings memory failures sound_card updates root board)
here=$(dirname -- "$(readlink -f -- "$0")")
clone=$(cd -- "$here/../../.." && pwd -P)
failed=0

# shellcheck source-path=SCRIPTDIR source=booted/container.sh
. "$here/booted/container.sh"

make_root
trap clean_up EXIT
boot
# As on a Raspberry Pi, for the part "board".
inside sh -c 'mkdir -p /boot/firmware/overlays && echo dtparam=audio=on >/boot/firmware/config.txt && touch /boot/firmware/overlays/wm8960-soundcard.dtbo'
all_files >"$work/before"
all_users >"$work/users-before"

[ -n "$models" ] && inside sh -c 'cp -r /mnt/models /var/lib/bittern-models && chown -R root:root /var/lib/bittern-models'
inside sh -c 'printf sk-secret-of-this-test >/root/key'
write_settings </dev/null
inside cp /etc/bittern/bittern.toml /root/settings.toml
inside rm -r /etc/bittern
install=(/mnt/clone/scripts/install.sh --unattended --settings /root/settings.toml --key-file /root/key --key-name HOUSE_KEY)

is 'it installs from a clone' "${install[@]}"
cp "$work/out" "$work/install.log"
sed -n '/doctor:/,$s/^/       /p' "$work/install.log"
[ "$failed" -eq 0 ] || exit 1
is 'a second time changes nothing' sh -c '"$@" 2>&1 | grep -q "nothing had to be changed"' - "${install[@]}"

for part in "${parts[@]:-${all_parts[@]}}"; do
    [ "$part" != removal ] || continue
    printf -- '-- %s\n' "$part"
    # shellcheck source=/dev/null
    . "$here/booted/$part.sh"
done

if [ "${#parts[@]}" -eq 0 ] || [[ " ${parts[*]} " == *" removal "* ]]; then
    printf -- '-- removal\n'
    inside systemctl enable --quiet --now bittern-update.timer
    inside touch /boot/firmware/bittern-report.txt
    # What `systemctl edit` writes, and what is half made when something is ended in the middle.
    inside sh -c 'cd /etc/systemd/system && mkdir -p bittern-brain.service.d bittern.service.d && printf "[Service]\nNice=1\n" | tee bittern-brain.service.d/override.conf >bittern.service.d/override.conf && touch .bittern.a1B2c3 .bittern.service.new /etc/tmpfiles.d/.bittern.a1B2c3 /boot/firmware/config.txt.new'
    # That of the release: an appliance that a card has set up has no clone.
    is 'it is removed' /opt/bittern/current/scripts/uninstall.sh
    all_files >"$work/after"
    diff "$work/before" "$work/after" >"$work/diff"
    statement 'nothing is left, and nothing is missing' "$?" "$work/diff"
    is 'nor does systemd remember its timer' sh -c '! ls /var/lib/systemd/timers | grep bittern'
    all_users | diff "$work/users-before" - >"$work/diff"
    statement 'the users and groups are those of before' "$?" "$work/diff"
    is 'config.txt is as it was' sh -c 'test "$(cat /boot/firmware/config.txt)" = dtparam=audio=on'
fi
[ "$failed" -eq 0 ] || inside journalctl --no-pager -u 'bittern*' -n 60
exit "$failed"
}
