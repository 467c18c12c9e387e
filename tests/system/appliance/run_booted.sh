#!/usr/bin/env bash
# Install, use, break and remove the appliance in a Debian that systemd has really booted.
#
#   tests/system/appliance/run_booted.sh ROOT [MODELS]
#
# ROOT is the folder of a Debian system; it is made with mmdebstrap if it is not there, and
# only read afterwards: everything is written to an overlay beside it. MODELS is a model
# store to copy from instead of fetching. Needs root, systemd-nspawn, overlayfs, and
# pulseaudio, whose null sinks are the sound card. Prints "ok …" or "not ok …" for each
# statement, and ends with 0 when all are true. What is not true here is not shown at all:
# MemoryMax and PrivateNetwork are not enforced in such a container (the brain is kept from
# the network by RestrictAddressFamilies alone), and nothing says how fast a Raspberry Pi is.
# shellcheck disable=SC2016  # what stands in single quotes is for the shell inside
set -uo pipefail

root=$1 models=${2:-}
clone=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/../../.." && pwd -P)
work=$(mktemp -d "$(dirname -- "$root")/booted.XXXXXX")
name=bittern-$$
failed=0 container=''

if [ ! -x "$root/usr/bin/systemctl" ]; then
    mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,python3,python3-venv,python3-pip,python3-pyaudio,python3-systemd,tzdata,libasound2-plugins,ca-certificates,procps \
        trixie "$root" >&2 || exit 2
fi

# shellcheck disable=SC2317  # the trap calls it
clean_up() {
    [ -n "$container" ] && kill "$container" 2>/dev/null && wait "$container" 2>/dev/null
    [ -n "${sound:-}" ] && kill "$sound" 2>/dev/null
    umount "$work/merged" 2>/dev/null
    rm -rf -- "$work"
}
trap clean_up EXIT

mkdir "$work"/{upper,work,merged,sound,clone}
# A copy, since somebody may edit the clone meanwhile.
tar -C "$clone" --exclude='./.*' --exclude=__pycache__ --exclude=./build -c . | tar -C "$work/clone" -x
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/merged" || exit 2
cat >"$work/server.pa" <<'PA'
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name=air norewinds=1 rate=48000 channels=1 format=s16le
load-module module-remap-source master=air.monitor source_name=ear
load-module module-null-sink sink_name=mouth norewinds=1 rate=48000 channels=2 format=s16le
set-default-sink mouth
set-default-source ear
PA
chmod 700 "$work/sound"
export PULSE_RUNTIME_PATH=$work/sound PULSE_STATE_PATH=$work/sound PULSE_COOKIE=$work/sound/cookie
pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --system=no \
    --log-target="file:$work/pulse.log" -F "$work/server.pa" >/dev/null 2>&1 &
sound=$!
for _ in $(seq 100); do
    PULSE_SERVER=unix:$work/sound/native pactl info >/dev/null 2>&1 && break
    sleep 0.05
done
chmod 755 "$work" "$work/sound"
chmod 666 "$work/sound/native"
cat >"$work/merged/etc/asound.conf" <<'ALSA'
pcm.!default { type pulse server "unix:/mnt/sound/native" hint { show on description "default" } }
ctl.!default { type pulse server "unix:/mnt/sound/native" }
ALSA
mkdir -p "$work/merged"/mnt/{clone,sound,models}
binds=("--bind-ro=$work/clone:/mnt/clone" "--bind=$work/sound:/mnt/sound")
[ -n "$models" ] && binds+=("--bind-ro=$models:/mnt/models")
# This machine's way to packages is the container's too.
for path in /etc/pip.conf /etc/ssl/certs ${PIP_FIND_LINKS:-} ${BITTERN_BIND:-}; do
    [ -e "$path" ] && binds+=("--bind-ro=$path")
done
systemd-nspawn -q -D "$work/merged" -M "$name" --register=no --keep-unit --boot \
    --console=read-only --link-journal=no "${binds[@]}" >"$work/boot.log" 2>&1 </dev/null &
container=$!
for _ in $(seq 200); do
    init=$(pgrep -P "$container" | head -n 1) && [ -n "$init" ] && break
    sleep 0.05
done

inside() {
    local variables
    mapfile -t variables < <(env | grep -E '^(PIP_|SSL_CERT)')
    nsenter -t "$init" -m -p -u -i -n -C -r -w env -i "${variables[@]}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

# is TEXT COMMAND…: the statement, and the command that must succeed for it to be true.
is() {
    if inside "${@:2}" >"$work/out" 2>&1; then
        printf 'ok     %s\n' "$1"
    else
        printf 'not ok %s\n' "$1"
        tail -n 15 "$work/out" | sed 's/^/       /'
        failed=1
    fi
}

# soon SECONDS COMMAND…: true as soon as the command succeeds, within that time.
soon() {
    local until=$((SECONDS + $1))
    while ! inside "${@:2}" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.3
    done
}

# comes TEXT SECONDS COMMAND…
comes() {
    soon "${@:2}" || true
    is "$1" "${@:3}"
}

all_files() {
    inside find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /mnt \
        -o -path /var/log -o -path /var/cache -o -path /root -o -path /var/lib/systemd \
        -o -path /var/lib/private -o -name __pycache__ -o -path '/etc/*-' -o -path /etc/.pwd.lock \) \
        -prune -o -print | LC_ALL=C sort
}

main_pid() {
    inside systemctl show --property MainPID --value bittern.service
}

soon 30 sh -c 'systemctl is-system-running | grep -Eq "running|degraded"'
all_files >"$work/before"
[ -n "$models" ] && inside sh -c 'mkdir -p /var/lib/bittern && cp -r /mnt/models /var/lib/bittern/models && chown -R root:root /var/lib/bittern/models'
inside sh -c 'printf sk-secret-of-this-test >/root/key; printf "[assistant]\nfollow_up_s = 4\n" >/root/settings.toml'
install=(/mnt/clone/scripts/install.sh --unattended --settings /root/settings.toml --key-file /root/key --key-name HOUSE_KEY)

is 'it installs from a clone' "${install[@]}"
cp "$work/out" "$work/install.log"
sed -n '/doctor:/,$s/^/       /p' "$work/install.log"
[ "$failed" -eq 0 ] || exit 1
is 'a second time changes nothing' sh -c '"$@" 2>&1 | grep -q "nothing had to be changed"' - "${install[@]}"
comes 'the service is ready: sound arrives and is scored' 20 systemctl is-active bittern.service
is 'it says what it does' sh -c 'systemctl show -P StatusText bittern.service | grep -q idle'
is 'it takes orders from root' bittern status
is 'it refuses another user' sh -c 'setpriv --reuid 65534 --regid 65534 --clear-groups bittern status 2>&1 | grep "may not"'
is 'it serves a member of its group' sh -c 'setpriv --reuid 65534 --regid 65534 --groups "$(getent group bittern | cut -d: -f3)" bittern status'
is 'systemd listens for the brain' systemctl is-active bittern-brain.socket
is 'a typed question is answered by the socket-activated brain' sh -c 'bittern ask what time is it && systemctl is-active bittern-brain.service'
# The brain's own unit with another program in it: the whole sandbox, as it is shipped.
inside sh -c 'sed -e "/^Requires=/d; /^After=/d; /^Restart/d" \
    -e "s#^ExecStart=.*#Type=oneshot\nExecStart=/usr/bin/python3 /mnt/clone/tests/system/appliance/no_internet.py#" \
    /etc/systemd/system/bittern-brain.service >/run/systemd/system/bittern-probe.service; systemctl daemon-reload'
is 'no internet socket can be opened in the sandbox of the brain' systemctl start bittern-probe.service
is 'the key is a credential, and in no environment or unit' sh -c '! grep -rq sk-secret /etc/systemd /opt/bittern/current/systemd "/proc/$(systemctl show -P MainPID bittern.service)/environ" && test -e "/run/credentials/bittern.service/HOUSE_KEY"'
is 'the journal does not hold the key' sh -c '! journalctl | grep -q sk-secret'
is 'a sentence is spoken' bittern say the washing machine is ready

before=$(main_pid)
inside kill -STOP "$before"
comes 'a stopped process is replaced by the watchdog' 40 sh -c "p=\$(systemctl show -P MainPID bittern.service); test \$p -ne 0 -a \$p -ne $before && systemctl is-active bittern.service"
before=$(main_pid)
inside kill -KILL "$before"
comes 'a killed process is replaced' 20 sh -c "p=\$(systemctl show -P MainPID bittern.service); test \$p -ne 0 -a \$p -ne $before && systemctl is-active bittern.service"

before=$(main_pid)
inside sh -c 'printf "[assistant]\nfollow_up_s = 5\n" >/etc/bittern/bittern.toml'
is 'systemctl reload applies good settings to the same process' sh -c "systemctl reload bittern.service && test \$(systemctl show -P MainPID bittern.service) = $before"
inside sh -c 'printf "[assistant]\nfollow_up_s = \"soon\"\n" >/etc/bittern/bittern.toml'
is 'bad ones are refused, and it goes on' sh -c "! systemctl reload bittern.service; test \$(systemctl show -P MainPID bittern.service) = $before && bittern status"
is 'and the reason is in the journal' sh -c 'journalctl -u bittern.service | grep -q follow_up_s'
inside systemctl restart bittern.service 2>/dev/null
comes 'started with bad settings it ends with 78, once, and safe mode begins' 20 sh -c 'test "$(systemctl show -P ExecMainStatus bittern.service)" = 78 && test "$(systemctl show -P NRestarts bittern.service)" = 0 && systemctl is-active bittern-safe.service'
comes 'safe mode takes orders' 20 sh -c 'bittern status | grep -Eq "is safe mode +yes"'
inside sh -c 'printf "[assistant]\nfollow_up_s = 4\n" >/etc/bittern/bittern.toml'
comes 'mended, the appliance is back by itself' 40 sh -c 'systemctl is-active bittern.service && ! systemctl is-active bittern-safe.service'

is 'the sandbox: 2.0 or less for the appliance' systemd-analyze security --threshold=20 bittern.service
is 'the sandbox: 2.0 or less for safe mode' systemd-analyze security --threshold=20 bittern-safe.service
is 'the sandbox: 1.0 or less for the brain' systemd-analyze security --threshold=10 bittern-brain.service
is 'the units are clean' sh -c 'test -z "$(systemd-analyze verify /etc/systemd/system/bittern*.service /etc/systemd/system/bittern*.socket 2>&1 | grep bittern)"'
pid=$(main_pid)
is 'it cannot write outside its folders' sh -c "! nsenter -m -t $pid setpriv --reuid bittern --clear-groups sh -c 'touch /opt/bittern/x || touch /etc/bittern/x || touch /usr/x || touch /var/lib/bittern/models/x' 2>/dev/null"
is 'timers can tell one boot from another in there' nsenter -m -t "$pid" cat /proc/sys/kernel/random/boot_id

is 'it is removed' /mnt/clone/scripts/uninstall.sh
all_files >"$work/after"
if diff "$work/before" "$work/after" >"$work/diff"; then
    echo 'ok     nothing is left, and nothing is missing'
else
    echo 'not ok nothing is left, and nothing is missing'
    head -n 20 "$work/diff"
    failed=1
fi
[ "$failed" -eq 0 ] || inside journalctl --no-pager -u 'bittern*' -n 40
exit "$failed"
