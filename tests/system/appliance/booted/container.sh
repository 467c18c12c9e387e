# shellcheck shell=bash
# The Debian in its container, the sound card beside it, and how statements are checked.
# shellcheck disable=SC2154,SC2034,SC2016  # root, models, clone, failed: of run_booted.sh

PACKAGES=systemd,systemd-sysv,dbus,python3,python3-venv,python3-pip,python3-pyaudio,python3-systemd
PACKAGES+=,tzdata,libasound2-plugins,ca-certificates,procps,libbpf1,openssh-client

make_root() {
    local command
    for command in mmdebstrap:mmdebstrap systemd-nspawn:systemd-container pulseaudio:pulseaudio \
        pacat:pulseaudio-utils nsenter:util-linux git:git; do
        command -v "${command%:*}" >/dev/null && continue
        printf 'there is no %s: apt-get install %s\n' "${command%:*}" "${command#*:}" >&2
        exit 2
    done
    [ "$(id -u)" -eq 0 ] || { echo 'this needs root' >&2 && exit 2; }
    mkdir -p "$(dirname -- "$root")"
    [ -x "$root/usr/bin/systemctl" ] ||
        mmdebstrap --variant=minbase --include="$PACKAGES" "${BITTERN_SUITE:-trixie}" "$root" >&2 || exit 2
    work=$(mktemp -d "$(dirname -- "$root")/booted.XXXXXX")
    mkdir "$work"/{upper,work,merged,sound,clone}
    container='' sound='' memory=''
    # A copy, since somebody may edit the clone meanwhile.
    tar -C "$clone" --exclude='./.*' --exclude=__pycache__ --exclude=./build -c . | tar -C "$work/clone" -x
    mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" "$work/merged" || exit 2
}

clean_up() {
    [ -n "$container" ] && kill "$container" 2>/dev/null && wait "$container" 2>/dev/null
    unplug_sound
    umount "$work/merged" 2>/dev/null
    [ -z "$memory" ] || find "$memory" -depth -type d -exec rmdir {} + 2>/dev/null
    rm -rf -- "$work"
}

# plug_sound: a sound server with a microphone ("air" is what it hears) and a speaker ("mouth").
plug_sound() {
    [ -z "$sound" ] || return 0
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
    export PULSE_SERVER=unix:$work/sound/native
    pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --system=no \
        --log-target="file:$work/pulse.log" -F "$work/server.pa" >/dev/null 2>&1 &
    sound=$!
    local try
    for try in $(seq 100); do
        pactl info >/dev/null 2>&1 && break
        [ "$try" -lt 100 ] || exit 2
        sleep 0.05
    done
    chmod 755 "$work" "$work/sound"
    chmod 666 "$work/sound/native"
    # A room is never quite silent: a microphone that gives nothing but zeros is broken.
    python3 -c 'import random, struct, sys
second = struct.pack("<48000h", *(round(random.gauss(0, 20)) for _ in range(48000)))
while True:
    sys.stdout.buffer.write(second)' 2>/dev/null |
        pacat --playback --device=air --raw --format=s16le --rate=48000 --channels=1 2>/dev/null &
    noise=$!
}

unplug_sound() {
    [ -n "${noise:-}" ] && kill "$noise" 2>/dev/null
    noise=''
    [ -n "$sound" ] && kill "$sound" 2>/dev/null && wait "$sound" 2>/dev/null
    sound=''
}

boot() {
    plug_sound
    [ -z "${BITTERN_LEGACY_CGROUPS:-}" ] ||
        memory=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/bittern-$$
    # Debian 12 brings none, and every machine has one.
    [ -e "$work/merged/etc/hosts" ] ||
        printf '127.0.0.1 localhost\n::1 localhost\n' >"$work/merged/etc/hosts"
    cat >"$work/merged/etc/asound.conf" <<'ALSA'
pcm.!default { type pulse server "unix:/mnt/sound/native" hint { show on description "default" } }
ctl.!default { type pulse server "unix:/mnt/sound/native" }
ALSA
    mkdir -p "$work/merged"/mnt/{clone,sound,models}
    local binds=("--bind-ro=$work/clone:/mnt/clone" "--bind=$work/sound:/mnt/sound") path
    [ -n "$models" ] && binds+=("--bind-ro=$models:/mnt/models")
    # This machine's way to packages is the container's too.
    for path in /etc/pip.conf /etc/ssl/certs ${PIP_FIND_LINKS:-} ${BITTERN_BIND:-}; do
        [ -e "$path" ] && binds+=("--bind-ro=$path")
    done
    local how=(env SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1)
    [ -z "${BITTERN_LEGACY_CGROUPS:-}" ] || how=(in_old_hierarchies)
    "${how[@]}" systemd-nspawn -q -D "$work/merged" -M "bittern-$$" \
        --register=no --keep-unit --boot --console=read-only --link-journal=no \
        --capability=all --system-call-filter='bpf @mount' \
        "${binds[@]}" >"$work/boot.log" 2>&1 </dev/null &
    container=$!
    # Its first children are helpers that end; the one that stays is the init of the container.
    local until=$((SECONDS + 60))
    until init=$(pgrep -P "$container" | head -n 1) && [ -n "$init" ] &&
        inside sh -c 'systemctl is-system-running | grep -Eq "running|degraded"' 2>/dev/null; do
        [ "$SECONDS" -lt "$until" ] || { cat "$work/boot.log" >&2 && exit 2; }
        sleep 0.2
    done
    if [ -n "${BITTERN_LEGACY_CGROUPS:-}" ]; then
        # It saw a controller that it might not use when it began; now it looks again.
        inside mount -o remount,bind,rw /sys/fs/cgroup/memory
        inside systemctl daemon-reexec
    fi
    # A device (FUSE) that anybody might open, were it not for the sandbox.
    inside mknod -m 666 /dev/bittern-probe c 10 229
}

# in_old_hierarchies COMMAND…: in its place, in a group of its own for the memory controller,
# of which the container sees nothing but what is below it.
in_old_hierarchies() {
    mkdir -p "$memory"
    echo "$BASHPID" >"$memory/cgroup.procs"
    exec env SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0 SYSTEMD_NSPAWN_USE_CGNS=1 "$@"
}

inside() {
    local variables
    mapfile -t variables < <(env | grep -E '^(PIP_|SSL_CERT)')
    nsenter -t "$init" -m -p -u -i -n -C -r -w env -i "${variables[@]}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}

# statement TEXT STATUS FILE: print whether it is true, and the file if not.
statement() {
    if [ "$2" -eq 0 ]; then
        printf 'ok     %s\n' "$1"
    else
        printf 'not ok %s\n' "$1"
        tail -n 15 "$3" | sed 's/^/       /'
        failed=1
    fi
}

# is TEXT COMMAND…: the statement, and the command that must succeed for it to be true.
is() {
    inside "${@:2}" >"$work/out" 2>&1
    statement "$1" "$?" "$work/out"
}

# skip TEXT WHY: what cannot be shown here.
skip() {
    printf 'skip   %s: %s\n' "$1" "$2"
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

# shown COMMAND…: run it, and show what it prints.
shown() {
    inside "$@" 2>&1 | sed 's/^/       /'
}

all_files() {
    inside find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /mnt \
        -o -path /var/log -o -path /var/cache -o -path /root -o -path /var/lib/systemd \
        -o -path /var/lib/private -o -path '/var/tmp/systemd-private-*' -o -name __pycache__ -o -path '/etc/*-' -o -path /etc/.pwd.lock \) \
        -prune -o -print | LC_ALL=C sort
}

all_users() {
    inside sh -c 'getent passwd; getent group' | LC_ALL=C sort
}

# start_anew: a start that does not count as one of those that failed.
start_anew() {
    inside sh -c 'systemctl reset-failed bittern.service; systemctl restart bittern.service'
}

# break_appliance: what it does from now on is to fail, once, so that safe mode begins.
break_appliance() {
    inside sh -c 'mkdir -p /run/systemd/system/bittern.service.d && printf "[Service]\nExecStart=\nExecStart=/bin/false\nRestart=no\n" >/run/systemd/system/bittern.service.d/50-broken.conf && systemctl daemon-reload'
}

# mend_appliance: the reason is gone; nobody is told.
mend_appliance() {
    inside sh -c 'rm -r /run/systemd/system/bittern.service.d/50-broken.conf && systemctl daemon-reload'
}

# steps_restarts: systemd knows RestartSteps=, RestartMaxDelaySec= and RestartMode= (254 and newer).
steps_restarts() {
    [ "$(inside systemctl --version | awk 'NR == 1 { print $2 }')" -ge 254 ]
}

main_pid() {
    inside systemctl show --property MainPID --value "${1:-bittern.service}"
}

# write_settings: the settings of this house, and more from standard input. An endpoint in
# the house comes first, which is not there unless the key's part starts it.
write_settings() {
    inside mkdir -p /etc/bittern
    {
        cat <<'TOML'
[assistant]
follow_up_s = 4
link_idle_s = 2
[brain]
idle_exit_s = 10
[[endpoint]]
name = "house"
url = "ws://127.0.0.1:8799/v1/realtime"
key_env = "HOUSE_KEY"
retry_after_s = 1
TOML
        cat
    } | inside sh -c 'cat >/etc/bittern/bittern.toml'
}

# in_sandbox UNIT PROGRAM: run a program in the place of the unit's own, in its whole sandbox.
in_sandbox() {
    inside sh -c 'sed -e "/^Requires=/d; /^After=/d; /^Wants=/d; /^OnFailure=/d; /^OnSuccess=/d; /^Conflicts=/d; /^Before=/d" \
        -e "/^Restart/d; /^ExecReload=/d; /^ExecStartPre=/d; /^ExecStopPost=/d; /^NotifyAccess=/d; /^WatchdogSec=/d" \
        -e "s#^Type=.*##; s#^RuntimeDirectory=.*#RuntimeDirectory=bittern-probe#" \
        -e "s#^WorkingDirectory=.*##" \
        -e "s#^ExecStart=.*#Type=oneshot\nExecStart=/usr/bin/python3 -u $1#" \
        /etc/systemd/system/"$0" >/run/systemd/system/bittern-probe.service
        sed -i "/^\[Install\]/,\$d" /run/systemd/system/bittern-probe.service
        cat /etc/systemd/system/"$0".d/*.conf >>/run/systemd/system/bittern-probe.service 2>/dev/null
        systemctl daemon-reload
        begun=$(date +%s)
        systemctl start bittern-probe.service 2>/dev/null
        status=$?
        journalctl --sync
        journalctl --no-pager -o cat --since "@$begun" -u bittern-probe.service SYSLOG_IDENTIFIER=python3
        systemctl reset-failed bittern-probe.service 2>/dev/null
        exit $status' "$1" "$2" >"$work/out" 2>&1
}
