#!/usr/bin/env bash
# Boot a Debian from a prepared "card", cut its power in the middle, and see an appliance.
#
#   tests/system/firstboot/run_firstboot.sh trixie|bookworm ROOT [MODELS]
#
# ROOT is the folder of a Debian system of that name; it is made with mmdebstrap if it is not
# there, and only read afterwards: everything is written to an overlay beside it. MODELS is a
# model store to copy from instead of fetching. Needs root, systemd-nspawn, overlayfs. Trixie
# has a real cloud-init in it, Bookworm runs firstrun.sh by systemd's own systemd.run=. What
# only Raspberry Pi OS has (raspi-config, userconf, NetworkManager, a FAT partition, Wi-Fi) is
# not shown here. Prints "ok …" or "not ok …", and ends with 0 when all is true.
# shellcheck disable=SC2016  # what stands in single quotes is for the shell inside
set -uo pipefail

system=$1 root=$2 models=${3:-}
clone=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/../../.." && pwd -P)
work=$(mktemp -d "$(dirname -- "$root")/firstboot.XXXXXX")
name=firstboot-$$
failed=0 container='' init=''
key=sk-secret-of-this-card-0123456789

include=systemd,systemd-sysv,dbus,sudo,openssh-server,python3,python3-venv,python3-pip,python3-pyaudio,python3-systemd,tzdata,ca-certificates,procps
[ "$system" = bookworm ] || include+=,cloud-init
if [ ! -x "$root/usr/bin/systemctl" ]; then
    mmdebstrap --variant=minbase --include="$include" "$system" "$root" >&2 || exit 2
fi

# shellcheck disable=SC2317  # the trap calls it
clean_up() {
    cut_power
    umount "$work/merged" 2>/dev/null
    rm -rf -- "$work"
}

cut_power() {
    [ -n "$container" ] && kill -KILL "$init" "$container" 2>/dev/null && wait "$container" 2>/dev/null
    container=''
}
trap clean_up EXIT

is() {
    if "${@:2}" >"$work/out" 2>&1; then
        printf 'ok     %s\n' "$1"
    else
        printf 'not ok %s\n' "$1"
        tail -n 15 "$work/out" | sed 's/^/       /'
        failed=1
    fi
}

inside() {
    nsenter -t "$init" -m -p -u -i -n -C -r -w env -i \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

# soon SECONDS COMMAND…
soon() {
    local until=$((SECONDS + $1))
    while ! "${@:2}" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.3
    done
}

# boot [WORD…]: with these words for systemd, as the kernel would hand them on.
boot() {
    systemd-nspawn -q -D "$work/merged" -M "$name" --register=no --keep-unit --boot \
        --console=read-only --link-journal=no "${binds[@]}" "$@" >>"$work/boot.log" 2>&1 </dev/null &
    container=$!
    # Its first children are helpers that end; the init is the one that is the first of its own
    # processes.
    for _ in $(seq 400); do
        for init in $(pgrep -P "$container"); do
            grep -Eqs '^NSpid:.*[[:space:]]1$' "/proc/$init/status" && return 0
        done
        sleep 0.05
    done
}

mkdir "$work"/{upper,work,merged}
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/merged" || exit 2
card=$work/merged/boot/firmware
mkdir -p "$card" "$work/merged/mnt/models" "$work/merged/etc/systemd/system.conf.d"
binds=()
[ -n "$models" ] && binds+=("--bind-ro=$models:/mnt/models")
# This machine's way to packages is the container's too.
for path in /etc/pip.conf /etc/ssl/certs ${PIP_FIND_LINKS:-} ${BITTERN_BIND:-}; do
    [ -e "$path" ] && binds+=("--bind-ro=$path")
done
{
    echo '[Manager]'
    env | grep -E '^(PIP_|SSL_CERT)' | sed 's/.*/DefaultEnvironment="&"/'
} >"$work/merged/etc/systemd/system.conf.d/packages.conf"
if [ "$system" = trixie ]; then
    # As in the images of Raspberry Pi OS (pi-gen, stage2/04-cloud-init).
    printf 'datasource_list: [ NoCloud, None ]\ndatasource:\n  NoCloud:\n    seedfrom: file:///boot/firmware\n' \
        >"$work/merged/etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg"
    touch "$card/user-data" "$card/meta-data"
fi
printf 'console=tty1 root=PARTUUID=12345678-02 rootwait\n' >"$card/cmdline.txt"
printf '[assistant]\nfollow_up_s = 4\n[[endpoint]]\nname = "openai"\nkey_env = "HOUSE_KEY"\n' >"$work/mine.toml"
printf '%s\n' "$key" >"$work/key"
printf 'a good password\n' >"$work/password"
"$clone/scripts/make-firstboot.sh" --settings "$work/mine.toml" --hostname kitchen --timezone Europe/Vienna \
    --key-file "$work/key" --key-name HOUSE_KEY --password-file "$work/password" "$card" >&2 || exit 2
if [ -n "$models" ]; then
    mkdir -p "$work/merged/var/lib/bittern"
    cp -r "$models" "$work/merged/var/lib/bittern-models"
fi

is 'before, the key is on the card' grep -rq "$key" "$card"
if [ "$system" = bookworm ]; then
    read -ra words < <(grep -o 'systemd\.[^ ]*' "$card/cmdline.txt" | tr '\n' ' ')
    boot "${words[@]/=reboot/=exit}"
    is 'the first boot ends by itself' soon 120 sh -c "! kill -0 $container"
    container=''
    is 'it does not come again' sh -c '! grep -q systemd "$1/cmdline.txt" && ! test -e "$1/firstrun.sh"' - "$card"
    is 'the rest of the line is as it was' grep -qx 'console=tty1 root=PARTUUID=12345678-02 rootwait' "$card/cmdline.txt"
    is 'after the first boot, the key is not on the card' sh -c '! grep -rq "$1" "$2"' - "$key" "$card"
fi
boot
# It waits three minutes for somebody to tell the time, which nobody does in a container.
is 'the installation begins' soon 300 inside test -d /var/lib/bittern-provision/clone
is 'when it begins, the key is not on the card' sh -c '! grep -rq "$1" "$2"' - "$key" "$card"
is 'but where only root can read it' inside sh -c 'test "$(stat -c %a:%u /var/lib/bittern-provision)" = 700:0 && test -s /var/lib/bittern-provision/key'
soon 300 inside test -d /opt/bittern/releases
sleep 5
cut_power
printf '       the power is cut in the middle of it\n'
boot
is 'the Pi has its name' soon 60 inside sh -c 'test "$(cat /etc/hostname)" = kitchen'
is 'and its user, with that password' soon 60 inside python3 -W ignore -c '
import re, subprocess, sys
line = next(x for x in open("/etc/shadow") if x.startswith("owner:")).split(":")[1]
salt = line.split("$")[2]
made = subprocess.run(["openssl", "passwd", "-6", "-salt", salt, "a good password"], capture_output=True, text=True).stdout.strip()
sys.exit(made != line)'
is 'who may become root' inside sh -c 'id -nG owner | grep -qw sudo'
is 'and its time zone' soon 60 inside sh -c 'grep -qx Europe/Vienna /etc/timezone'
is 'ssh is on' soon 60 inside systemctl is-enabled ssh
is 'the installation goes on by itself, to its end' soon 900 inside sh -c '! test -e /var/lib/bittern-provision'
is 'and leaves nothing of itself' inside sh -c '! test -e /usr/local/sbin/bittern-provision && ! test -e /etc/systemd/system/bittern-provision.service && ! test -e /boot/firmware/bittern'
is 'the appliance is there' inside systemctl is-enabled bittern.service
is 'and can be read by the user it runs as' inside setpriv --reuid bittern --regid bittern --clear-groups bittern --version
is 'and the installation ended well' inside sh -c '! journalctl -u bittern-provision | grep -q "timed out"'
is 'with its settings' inside grep -q 'follow_up_s = 4' /etc/bittern/bittern.toml
is 'and its key, as a credential' inside grep -q HOUSE_KEY /etc/systemd/system/bittern.service.d/10-credentials.conf
# A person at a terminal, who waits to be asked, gives it another key; no cloud is to be had from here, and it is kept.
is 'another key is given to bittern setup' inside sh -c '{ sleep 20; printf "%s\\ny\\n\\n\\n" sk-another-key-0123456789; } | script --quiet --return --command "bittern setup key" /root/typescript'
is 'which never shows it' inside sh -c '! grep -q sk-another /root/typescript && grep -q "The key is stored" /root/typescript'
is 'and stores it as a credential' inside sh -c 'cd /etc/bittern/credentials && { systemd-creds decrypt --name=HOUSE_KEY HOUSE_KEY.cred - 2>/dev/null || cat HOUSE_KEY; } | grep -qx sk-another-key-0123456789'
# What the button does: the appliance, which may not itself, asks systemd to forget it all.
inside sh -c 'setpriv --reuid bittern --regid bittern --clear-groups sh -c "echo x >/var/lib/bittern/house.sqlite3; touch /var/lib/bittern/factory-reset"'
is 'a factory reset forgets timers, settings and keys' soon 60 inside sh -c '! test -e /var/lib/bittern/factory-reset && ! test -e /var/lib/bittern/house.sqlite3 && ! grep -q follow_up /etc/bittern/bittern.toml && ! ls /etc/bittern/credentials | grep -q . && test -d /var/lib/bittern-models'
is 'and starts the appliance again' inside sh -c 'systemctl show -P ActiveState bittern.service | grep -Eq "active|activating|failed" && ! test -e /etc/systemd/system/bittern.service.d/10-credentials.conf'
is 'the report on the card says so' grep -q 'the appliance is installed' "$card/bittern-report.txt"
is 'the key is in no file of the card, of cloud-init or of the log' sh -c '! grep -rqs "$1" "$2" "$3/var/lib/cloud" "$3/var/log"' - "$key" "$card" "$work/merged"
[ "$failed" -eq 0 ] || {
    cat "$card/bittern-report.txt"
    inside journalctl --no-pager -u bittern-provision -n 40
}
exit "$failed"
