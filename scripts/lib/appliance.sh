# shellcheck shell=bash
# Where an installed appliance has its files, and how they are written. Needs common.sh.

# shellcheck disable=SC2034  # used by the scripts that source this
{
    OPT=/opt/bittern
    ETC=/etc/bittern
    STATE=/var/lib/bittern
    # Root's alone: the user of the service may do what it likes with what lies in $STATE.
    MODELS=/var/lib/bittern-models
    UNITS=/etc/systemd/system
    UNIT_NAMES=(bittern.service bittern-safe.service bittern-recover.service
        bittern-brain.service bittern-brain.socket
        bittern-tools.service bittern-tools.socket
        bittern-camera.socket bittern-camera@.service
        bittern-fetch.socket bittern-fetch@.service
        bittern-update.timer bittern-update.service bittern-update-guard.service
        bittern-reset.path bittern-reset.service)
    DROP_IN=$UNITS/bittern.service.d/10-credentials.conf
    TOOLS_DROP_IN=$UNITS/bittern-tools.service.d/10-credentials.conf
    COMMAND=/usr/local/bin/bittern
    SYSUSERS=/etc/sysusers.d/bittern.conf
    TMPFILES=/etc/tmpfiles.d/bittern.conf
    GROUPS_MADE=$ETC/groups-made
}
MARK_BEGIN='# >>> bittern: written by scripts/install.sh, do not edit in between'
MARK_END='# <<< bittern'

# put FILE MODE: write standard input to it, whole or not at all, unless it says so already.
# Returns 0 when something changed, 1 when not.
put() {
    local file=$1 mode=$2 new
    new=$(mktemp -- "$(dirname -- "$file")/.bittern.XXXXXX")
    cat >"$new"
    chmod "$mode" "$new"
    if cmp --silent -- "$new" "$file" && [ "$(stat -c %a "$file")" = "$mode" ]; then
        rm -f -- "$new"
        return 1
    fi
    mv -f -- "$new" "$file"
    more "wrote $file"
}

# boot_config: prints the path of config.txt where this machine has one.
boot_config() {
    local file
    for file in /boot/firmware/config.txt /boot/config.txt; do
        [ -f "$file" ] && printf '%s\n' "$file" && return 0
    done
    return 1
}

# without_our_lines FILE: prints it without what stands between our markers. Where one of them
# is missing nobody knows what is ours, and everything stays.
without_our_lines() {
    awk -v from="$MARK_BEGIN" -v to="$MARK_END" '
        $0 == from { if (inside) print held; inside = 1; held = $0; next }
        $0 == to && inside { inside = 0; next }
        inside { held = held ORS $0; next }
        { print }
        END { if (inside) print held }
    ' "$1"
}

# put_boot_config FILE: write standard input to it, whole or not at all: with half a config.txt,
# after a power cut, a Raspberry Pi may not start. Unlike put it asks for no mode, which FAT
# does not have.
put_boot_config() {
    cat >"$1.new"
    sync -- "$1.new"
    mv -f -- "$1.new" "$1"
}
