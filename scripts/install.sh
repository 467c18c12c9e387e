#!/usr/bin/env bash
# Install Bittern as a service on Debian 12 or 13, or Raspberry Pi OS (64-bit). As root.
#
#   scripts/install.sh [OPTION…]
#     --settings FILE    becomes /etc/bittern/bittern.toml (checked first)
#     --board NAME       a board of `bittern board list`: its name goes into the settings, and
#                        its lines into config.txt
#     --key-file FILE    holds the key of the cloud; stored encrypted where systemd can
#     --key-name NAME    which key it is, as key_env in the settings says (OPENAI_API_KEY)
#     --unattended       ask nothing: without a key file there is no cloud
#     --no-start         install everything and start nothing
#
# A second run repairs what is missing and changes nothing else. A run that fails says in
# which step; the next one goes on there.
set -Eeuo pipefail
# Of whoever calls us it may be another, and the service could not read what it is to run.
umask 022

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$here/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/system.sh
. "$here/lib/system.sh"
# shellcheck source-path=SCRIPTDIR source=lib/appliance.sh
. "$here/lib/appliance.sh"
# shellcheck source-path=SCRIPTDIR source=lib/credentials.sh
. "$here/lib/credentials.sh"

settings='' board='' key_file='' key_name=OPENAI_API_KEY attended=yes start=yes
step='reading the options'
needs_reboot=no has_changed=no

usage() {
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit "$1"
}

while [ "$#" -gt 0 ]; do
    case $1 in
    --settings | --board | --key-file | --key-name)
        [ "$#" -ge 2 ] || usage 2
        case $1 in
        --settings) settings=$2 ;;
        --board) board=$2 ;;
        --key-file) key_file=$2 ;;
        --key-name) key_name=$2 ;;
        esac
        shift 2
        ;;
    --unattended) attended=no && shift ;;
    --no-start) start=no && shift ;;
    --help | -h) usage 0 ;;
    *) usage 2 ;;
    esac
done

trap 'say "it failed while $step (line $LINENO)"; more "mend that, and run this again: it goes on from there"' ERR

begin() {
    step=$*
    say "$step"
}

check_machine() {
    [ "$(id -u)" -eq 0 ] || fail 'scripts/install.sh needs root: sudo scripts/install.sh'
    [ -d /run/systemd/system ] || fail 'this machine does not run systemd'
    [[ $key_name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || fail "$key_name is not the name of a key"
    local file
    for file in ${settings:+"$settings"} ${key_file:+"$key_file"}; do
        [ -r "$file" ] || fail "$file cannot be read"
    done
    local architecture version
    architecture=$(dpkg --print-architecture 2>/dev/null || echo none)
    case $architecture in
    arm64 | amd64) ;;
    *) fail "Bittern runs on 64-bit Debian (arm64, amd64); this is $architecture" ;;
    esac
    # shellcheck source=/dev/null
    version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-0}")
    [ "${version%%.*}" -ge 12 ] || fail "Debian 12 or newer is needed; this is $version"
}

# The release is a copy of the clone: what runs must not change when somebody edits or pulls.
copy_release() {
    local files
    # Called in an installed release, as `bittern setup` says: that one is it.
    if [[ $REPOSITORY == "$OPT"/releases/* ]] && [ -e "$REPOSITORY/.complete" ]; then
        release=$REPOSITORY
        return 0
    fi
    if have git && git -c "safe.directory=$REPOSITORY" -C "$REPOSITORY" rev-parse --git-dir >/dev/null 2>&1; then
        files=(git -c "safe.directory=$REPOSITORY" -C "$REPOSITORY" ls-files -z --cached --exclude-standard)
    else
        files=(find . -type f ! -path './.*' ! -path '*/__pycache__/*' -printf '%P\0')
    fi
    local list id
    list=$(mktemp)
    (cd -- "$REPOSITORY" && "${files[@]}" | while IFS= read -r -d '' file; do
        if [ -f "$file" ]; then printf '%s\0' "$file"; fi
    done | LC_ALL=C sort -z) >"$list"
    id=$(cd -- "$REPOSITORY" && xargs -0 sha256sum -- <"$list" | sha256sum | cut -c 1-12)
    release=$OPT/releases/$id
    if [ ! -f "$release/.complete" ]; then
        has_changed=yes
        rm -rf -- "$release"
        command install -d -m 0755 "$release"
        (cd -- "$REPOSITORY" && tar --create --null --files-from "$list" --owner=0 --group=0 --mode=u=rwX,go=rX) |
            tar --extract --directory "$release"
        touch "$release/.complete"
        more "release $id in $release"
    fi
    rm -f -- "$list"
}

# The release makes it itself, and the same way when an update brings it.
make_environment() {
    local like=()
    [ -d "$OPT/current/.venv" ] && like=(--like "$(readlink -f "$OPT/current")")
    [ "${like[1]:-}" != "$release" ] || like=()
    "$release/scripts/environment" "${like[@]}"
    # What it consists of, for the way back: `bittern update rollback` checks every file.
    [ -e "$release/release.json" ] || "$release/.venv/bin/bittern" update describe "$release" >/dev/null
}

install_user() {
    command install -d -m 0755 "$(dirname "$SYSUSERS")" "$(dirname "$TMPFILES")"
    put "$SYSUSERS" 644 <"$release/systemd/bittern.sysusers" && has_changed=yes
    put "$TMPFILES" 644 <"$release/systemd/bittern.tmpfiles" && has_changed=yes
    # Debian has no groups for GPIO and SPI; the uninstaller takes away those that are ours, which
    # are written down before they are made: a run that is cut off in between leaves none.
    local group
    command install -d -m 0755 "$ETC"
    while IFS= read -r group; do
        getent group "$group" >/dev/null || printf '%s\n' "$group" >>"$GROUPS_MADE"
    done < <(sed -n 's/^m bittern //p' "$SYSUSERS")
    systemd-sysusers "$SYSUSERS"
    systemd-tmpfiles --create "$TMPFILES"
}

install_settings() {
    if [ -n "$settings" ]; then
        "$release/.venv/bin/bittern" config check "$settings" >&2 ||
            fail "$settings has mistakes (above); nothing was changed"
    fi
    if [ -n "$board" ]; then
        local new
        new=$(with_board "${settings:-$ETC/bittern.toml}") ||
            fail "the board $board cannot be chosen (above); nothing was changed"
        must_have_overlays "$board"
        printf '%s\n' "$new" | put "$ETC/bittern.toml" 644 && has_changed=yes
    elif [ -n "$settings" ]; then
        put "$ETC/bittern.toml" 644 <"$settings" && has_changed=yes
    fi
    return 0
}

# with_board FILE: prints these settings, which need not exist, with the board of the options.
with_board() {
    "$release/.venv/bin/python" -P -c '
import sys
from pathlib import Path
from device.errors import BitternError
from device.settings.edit import KeyChange
from device.settings.settings_file import preview
try:
    new = preview(Path(sys.argv[1]), [KeyChange(("panel", "board"), sys.argv[2])])
except BitternError as bad:
    sys.exit(str(bad))
sys.stdout.buffer.write(new)' "$1" "$board"
}

chosen_board() {
    if [ -n "$board" ]; then
        printf '%s' "$board"
    else
        "$release/.venv/bin/bittern" config show --json |
            python3 -c 'import json, sys; print(json.load(sys.stdin)["settings"]["panel"]["board"], end="")'
    fi
}

# boot_lines BOARD: prints its lines for config.txt.
boot_lines() {
    "$release/.venv/bin/bittern" board show "$1" --json |
        python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin)["boot"]["config_txt"]))'
}

# must_have_overlays BOARD: a line for an overlay that is not there would go unheeded.
must_have_overlays() {
    local config overlay
    config=$(boot_config) || return 0
    while IFS= read -r overlay; do
        [ -e "$(dirname "$config")/overlays/$overlay.dtbo" ] ||
            fail "the board $1 needs the overlay $overlay, which this system lacks" \
                'update the system (apt full-upgrade), restart it, and run this again'
    done < <(boot_lines "$1" | sed -n 's/^dtoverlay=\([^,]*\).*/\1/p')
}

install_boot_lines() {
    local config name lines new
    config=$(boot_config) || return 0
    name=$(chosen_board)
    lines=$(boot_lines "$name")
    must_have_overlays "$name"
    new=$(
        without_our_lines "$config"
        [ -z "$lines" ] || printf '%s\n[all]\n%s\n%s\n' "$MARK_BEGIN" "$lines" "$MARK_END"
    )
    if [ "$new" != "$(cat "$config")" ]; then
        [ -e "$config.before-bittern" ] || cp --preserve "$config" "$config.before-bittern"
        printf '%s\n' "$new" | put_boot_config "$config"
        more "wrote $config (before: $config.before-bittern)"
        needs_reboot=yes has_changed=yes
    fi
}

# The key comes from a file or a prompt; a command line would show it to everybody (ps).
install_key() {
    local folder=$ETC/credentials key=''
    if [ -n "$key_file" ]; then
        key=$(tr -d '[:space:]' <"$key_file")
        [ -n "$key" ] || fail "$key_file holds no key"
    elif [ "$attended" = yes ] && [ -t 0 ] && ! compgen -G "$folder/$key_name*" >/dev/null; then
        read -rsp "Key for the cloud ($key_name), or just Enter for none: " key
        printf '\n' >&2
    fi
    if [ -n "$key" ]; then
        store_key "$folder" "$key" && has_changed=yes
    fi
    write_drop_in "$folder" && has_changed=yes
    write_drop_in "$ETC/tool-credentials" "$TOOLS_DROP_IN" && has_changed=yes
    return 0
}

install_units() {
    local unit
    for unit in "${UNIT_NAMES[@]}"; do
        put "$UNITS/$unit" 644 <"$release/systemd/$unit" && has_changed=yes
    done
    if [ "$(readlink "$OPT/current" 2>/dev/null)" != "$release" ]; then
        if [ -d "$OPT/current/" ]; then
            ln -sfn "$(readlink -f "$OPT/current")" "$OPT/previous.new"
            mv -fT "$OPT/previous.new" "$OPT/previous"
        fi
        ln -sfn "$release" "$OPT/current.new"
        mv -fT "$OPT/current.new" "$OPT/current"
        has_changed=yes
    fi
    ln -sfn "$release" "$OPT/updates/keeper"
    remove_old_releases
    ln -sfn "$OPT/current/.venv/bin/bittern" "$COMMAND"
    systemctl daemon-reload
    # Whom other people's tools may reach, as the settings say.
    "$COMMAND" mcp allow --quiet ||
        more "other people's tools may reach whom they could before"
    systemctl enable --quiet bittern-brain.socket bittern-tools.socket bittern.service bittern-update-guard.service \
        bittern-reset.path
    # Nothing listens for pictures where the settings name no camera that works.
    local status=0
    "$COMMAND" camera check >/dev/null 2>&1 || status=$?
    # 0: there is one; 1: one is named, and what is missing may come.
    case $status in 0 | 1) systemctl enable --now --quiet bittern-camera.socket ;; esac
}

start_service() {
    [ "$start" = yes ] || return 0
    systemctl start bittern-brain.socket bittern-tools.socket bittern-reset.path
    # Earlier failures, and the starts of earlier runs, are forgiven.
    systemctl reset-failed bittern.service 2>/dev/null || true
    if [ "$has_changed" = yes ]; then
        systemctl restart bittern.service || more 'it did not get ready; the doctor says why'
    else
        systemctl start bittern.service || more 'it did not get ready; the doctor says why'
    fi
}

# The current and the previous one stay, as after an update.
remove_old_releases() {
    local folder
    for folder in "$OPT"/releases/*/; do
        case ${folder%/} in
        "$(readlink "$OPT/current")" | "$(readlink "$OPT/previous")") ;;
        *) rm -rf -- "$folder" ;;
        esac
    done
}

# An update that a power cut interrupted ends one way or the other first; and none begins
# while this runs.
end_updates() {
    if [ -e "$OPT/updates/journal.json" ]; then
        "$OPT/updates/keeper/.venv/bin/bittern" update resume || more 'the release before it is back'
    fi
    command install -d -m 0755 "$OPT"
    command install -d -m 0755 "$OPT/updates"
    (umask 077 && : >>"$OPT/updates/lock")
    chmod 0600 "$OPT/updates/lock"
    exec 8<"$OPT/updates/lock"
    flock --nonblock 8 || fail "an update is at work: $(holder_of "$OPT/updates/lock")" \
        'try again when it has ended'
}

# Up to release 0.1 they lay in the service's own folder, where its user could put others in
# their place: each is taken over by its hash, and no link is followed.
fetch_models_of_appliance() {
    local bittern=$release/.venv/bin/bittern
    if [ -d "$STATE/models" ] && [ ! -L "$STATE/models" ]; then
        BITTERN_MODELS=$MODELS "$bittern" models import "$STATE/models" >/dev/null
    fi
    BITTERN_MODELS=$MODELS "$bittern" models fetch >/dev/null
}

# When nothing runs any more that would look there. rm follows no link.
remove_older_models() {
    rm -rf -- "$STATE/models"
}

# As the service sees the world: its user, its groups, its credentials.
run_doctor() {
    local properties=() line
    while IFS= read -r line; do
        properties+=(--property "$line")
    done < <(grep '^LoadCredential' "$DROP_IN" 2>/dev/null)
    systemd-run --quiet --pipe --wait --collect \
        --property User=bittern --property Group=bittern --property SupplementaryGroups=audio \
        --setenv=RUNTIME_DIRECTORY=/run/bittern --setenv=STATE_DIRECTORY="$STATE" \
        "${properties[@]}" "$COMMAND" doctor
}

begin 'looking at the machine'
check_machine
only_one_at_a_time
begin 'bringing what the system lacks'
system_packages_to_run
begin 'ending updates'
end_updates
begin 'copying the release'
copy_release
begin 'making its Python environment'
make_environment
begin 'setting up its user and folders'
install_user
begin 'checking the settings'
install_settings
begin 'fetching the models'
fetch_models_of_appliance
begin 'preparing the board'
install_boot_lines
begin 'storing the key'
install_key
begin 'installing the services'
install_units
begin 'starting'
start_service
remove_older_models
let_others_in
trap - ERR

if [ "$has_changed" = no ]; then
    say 'nothing had to be changed'
fi
if [ "$needs_reboot" = yes ]; then
    say 'the board needs a restart of the machine: sudo reboot'
fi
say 'bittern doctor:'
run_doctor || true
