#!/usr/bin/env bash
# Put on a freshly written card what makes a headless Raspberry Pi an appliance by itself.
#
#   scripts/make-firstboot.sh --settings FILE [OPTION…] FOLDER
#
# FOLDER is the boot partition of the card (called bootfs), or any folder to look at first.
#     --system NAME         trixie or bookworm; found out where FOLDER is a boot partition
#     --settings FILE       the appliance's settings (checked here)
#     --key-file FILE       holds the key of the cloud; it leaves the boot partition first of all
#     --key-name NAME       which key it is, as key_env in the settings says (OPENAI_API_KEY)
#     --hostname NAME       how the Pi is called in your network (bittern)
#     --wifi NAME           the network to join; its password is asked for, or:
#     --wifi-password-file FILE
#     --wifi-hidden         the network does not show its name
#     --wifi-wpa3           it takes WPA3 alone: the password goes over as it is, not as a key
#     --country CODE        where you are, such as AT: what your radio may do
#     --user NAME           whom you log in as (owner)
#     --password-file FILE  holds that user's password; without one, only an ssh key gets in
#     --ssh-key FILE        a public key that may log in
#     --timezone ZONE       such as Europe/Vienna (that of this machine)
#
# Trixie is set up by cloud-init (user-data, network-config, meta-data), Bookworm by
# firstrun.sh; both start the same installation, which goes on after a power cut and reports
# on the boot partition (bittern-report.txt). The release that the Pi installs is this clone,
# as it is: no server of ours is asked for it, and you get what you have looked at.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$here/lib/common.sh"

system='' settings='' key_file='' key_name=OPENAI_API_KEY hostname=bittern folder=''
wifi='' wifi_password_file='' wifi_hidden=false wifi_wpa3=no country='' user=owner
password_file='' ssh_key_file='' timezone=''

usage() {
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit "$1"
}

read_options() {
    while [ "$#" -gt 0 ]; do
        case $1 in
        --wifi-hidden) wifi_hidden=true && shift && continue ;;
        --wifi-wpa3) wifi_wpa3=yes && shift && continue ;;
        --help | -h) usage 0 ;;
        --*) [ "$#" -ge 2 ] || usage 2 ;;
        *)
            [ -z "$folder" ] || usage 2
            folder=$1
            shift
            continue
            ;;
        esac
        case $1 in
        --system) system=$2 ;;
        --settings) settings=$2 ;;
        --key-file) key_file=$2 ;;
        --key-name) key_name=$2 ;;
        --hostname) hostname=$2 ;;
        --wifi) wifi=$2 ;;
        --wifi-password-file) wifi_password_file=$2 ;;
        --country) country=$2 ;;
        --user) user=$2 ;;
        --password-file) password_file=$2 ;;
        --ssh-key) ssh_key_file=$2 ;;
        --timezone) timezone=$2 ;;
        *) usage 2 ;;
        esac
        shift 2
    done
    if [ -z "$folder" ] || [ -z "$settings" ]; then
        usage 2
    fi
}

# must_be WHAT VALUE PATTERN EXPECTED
must_be() {
    [[ $2 =~ ^$3$ ]] || fail "$1: expected $4, not \"$2\""
}

check_options() {
    have python3 || fail 'python3 is needed (3.11 or newer)'
    local file
    for file in "$settings" ${key_file:+"$key_file"} ${wifi_password_file:+"$wifi_password_file"} \
        ${password_file:+"$password_file"} ${ssh_key_file:+"$ssh_key_file"}; do
        [ -r "$file" ] || fail "$file cannot be read"
    done
    must_be --key-name "$key_name" '[A-Za-z_][A-Za-z0-9_]*' 'the name of a key'
    must_be --hostname "$hostname" '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?' \
        'small letters, digits and hyphens (RFC 1123)'
    must_be --user "$user" '[a-z][a-z0-9_-]{0,30}' 'small letters, digits, - and _'
    [ "$user" != root ] || fail '--user: root does not log in'
    [ -z "$country" ] || must_be --country "$country" '[A-Z]{2}' 'two capital letters (ISO 3166)'
    if [ -n "$wifi" ]; then
        [ -n "$country" ] || fail '--wifi needs --country: without it a Pi keeps its radio off'
        [ "$(printf '%s' "$wifi" | wc -c)" -le 32 ] || fail '--wifi: a network name has at most 32 bytes'
        [[ $wifi != *[[:cntrl:]]* ]] || fail '--wifi: a network name without control characters is needed'
    fi
    [ -n "$timezone" ] || timezone=$(zone_of_this_machine)
    [ -z "$timezone" ] || python3 -c 'import sys, zoneinfo; sys.exit(sys.argv[1] not in zoneinfo.available_timezones())' "$timezone" ||
        fail "--timezone: there is no time zone \"$timezone\""
    check_settings || fail "$settings has mistakes (above)"
    [ -d "$folder" ] || fail "$folder is not a folder"
    [ -n "$system" ] || system=$(system_of_card)
    must_be --system "$system" 'trixie|bookworm' 'trixie or bookworm'
}

# With nothing but Python itself, for this may be anybody's computer.
check_settings() {
    PYTHONPATH=$REPOSITORY PYTHONDONTWRITEBYTECODE=1 python3 -c '
import sys
from pathlib import Path
from device.panel.boards import load_board
from device.schema.mistakes import MistakesError
from device.settings.load import load_settings
try:
    load_board(load_settings(Path(sys.argv[1])).settings.panel.board)
except MistakesError as bad:
    sys.exit(str(bad))' "$settings"
}

zone_of_this_machine() {
    local target
    target=$(readlink -f /etc/localtime 2>/dev/null) || return 0
    case $target in
    */zoneinfo/*) printf '%s' "${target#*/zoneinfo/}" ;;
    esac
}

# Raspberry Pi OS Trixie comes with the three files of cloud-init on its boot partition.
system_of_card() {
    if [ -e "$folder/meta-data" ] && [ -e "$folder/user-data" ]; then
        printf trixie
    elif [ -e "$folder/cmdline.txt" ]; then
        printf bookworm
    else
        fail "$folder is no boot partition: say --system trixie or --system bookworm"
    fi
}

# first_line FILE
first_line() {
    local line
    IFS= read -r line <"$1" || [ -n "$line" ] || fail "$1 is empty"
    printf '%s' "${line%$'\r'}"
}

# The key of a network is what WPA2 makes of name and password (IEEE 802.11i: PBKDF2, SHA-1,
# 4096 rounds); the password itself, which people use elsewhere too, stays here.
wifi_secret() {
    local password
    if [ -n "$wifi_password_file" ]; then
        password=$(first_line "$wifi_password_file")
    elif [ -t 0 ]; then
        read -rsp "Password of the network $wifi, or just Enter if it has none: " password
        printf '\n' >&2
    else
        fail '--wifi needs --wifi-password-file (an empty line in it: no password)'
    fi
    [ -n "$password" ] || return 0
    if [[ $password =~ ^[0-9a-fA-F]{64}$ ]]; then
        printf '%s' "$password"
    elif [[ ! $password =~ ^[[:print:]]{8,63}$ ]]; then
        fail 'the password of a network has 8 to 63 printable characters'
    elif [ "$wifi_wpa3" = yes ]; then
        printf '%s' "$password"
    else
        printf '%s\n%s' "$wifi" "$password" | python3 -c '
import hashlib, sys
name, _, password = sys.stdin.buffer.read().partition(b"\n")
print(hashlib.pbkdf2_hmac("sha1", password, name, 4096, 32).hex(), end="")'
    fi
}

password_hash() {
    if [ -z "$password_file" ]; then
        printf '*'
        return
    fi
    have openssl || fail 'openssl is needed to hash the password'
    first_line "$password_file" | openssl passwd -6 -stdin | tr -d '\n'
}

public_key() {
    [ -n "$ssh_key_file" ] || return 0
    local key
    key=$(first_line "$ssh_key_file")
    [[ $key =~ ^(ssh-|ecdsa-|sk-)[A-Za-z0-9@.-]+\ [A-Za-z0-9+/=]+(\ .*)?$ ]] ||
        fail "$ssh_key_file does not hold a public ssh key (of a private one, it is the file .pub)"
    printf '%s' "$key"
}

# quoted: standard input as a string of JSON, which is one of YAML too.
quoted() {
    python3 -c 'import json, sys; print(json.dumps(sys.stdin.read()), end="")'
}

# What git knows of, as it stands here; nothing else of the folder.
pack_release() {
    local list
    list=$(mktemp)
    (
        cd -- "$REPOSITORY"
        if have git && git rev-parse --git-dir >/dev/null 2>&1; then
            git ls-files -z --cached --exclude-standard
        else
            find . -type f ! -path './.*' ! -path '*/__pycache__/*' -print0
        fi | while IFS= read -r -d '' file; do
            if [ -f "$file" ]; then printf '%s\0' "$file"; fi
        done
    ) >"$list"
    # COPYFILE_DISABLE: the tar of macOS would bring files of its own.
    COPYFILE_DISABLE=1 tar --directory "$REPOSITORY" --create --gzip --null --files-from "$list" --file "$1"
    rm -f -- "$list"
}

# sha256_of FILE
sha256_of() {
    python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

write_brought() {
    local brought=$folder/bittern sum
    mkdir -p -- "$brought"
    pack_release "$brought/release.tar.gz"
    sum=$(sha256_of "$brought/release.tar.gz")
    tr -d '\r' <"$settings" >"$brought/bittern.toml"
    printf 'release_sha256=%q\nkey_name=%q\n' "$sum" "$key_name" >"$brought/provision.conf"
    cp -- "$here/firstboot/provision.sh" "$here/firstboot/bittern-provision.service" "$brought/"
    rm -f -- "$brought/key"
    if [ -n "$key_file" ]; then
        local key
        key=$(tr -d '[:space:]' <"$key_file")
        [ -n "$key" ] || fail "$key_file holds no key"
        printf '%s' "$key" >"$brought/key"
    fi
}

write_cloud_init() {
    local hash key psk
    hash=$(password_hash)
    key=$(public_key)
    {
        printf '#cloud-config\n# Written by scripts/make-firstboot.sh.\n'
        printf 'hostname: %s\nmanage_etc_hosts: true\n' "$(printf '%s' "$hostname" | quoted)"
        [ -z "$timezone" ] || printf 'timezone: %s\n' "$(printf '%s' "$timezone" | quoted)"
        printf 'users:\n- name: %s\n  groups: [adm, sudo, audio, gpio, spi, i2c]\n' "$user"
        printf '  shell: /bin/bash\n  lock_passwd: %s\n' "$([ "$hash" = '*' ] && echo true || echo false)"
        [ "$hash" = '*' ] || printf '  passwd: %s\n' "$(printf '%s' "$hash" | quoted)"
        if [ -n "$key" ]; then
            printf '  ssh_authorized_keys:\n  - %s\n' "$(printf '%s' "$key" | quoted)"
            # Without a password sudo could never be used.
            [ "$hash" != '*' ] || printf '  sudo: "ALL=(ALL) NOPASSWD:ALL"\n'
        fi
        printf 'ssh_pwauth: %s\n' "$([ "$hash" = '*' ] && echo false || echo true)"
        # bootcmd and not runcmd: it runs at every boot, so that a power cut in it costs nothing;
        # until the card is set up, and nothing but the very script that this one has put there.
        printf 'bootcmd:\n- [sh, -c, "cd /boot/firmware/bittern 2>/dev/null || exit 0; echo \\"%s  provision.sh\\" | sha256sum --check --quiet && bash provision.sh begin"]\n' \
            "$(sha256_of "$folder/bittern/provision.sh")"
        printf 'runcmd:\n- [systemctl, enable, --now, ssh]\n'
    } >"$folder/user-data"
    # Another instance than that of the image, so that cloud-init does everything anew. The
    # image itself writes the name with _, the documentation of cloud-init with -.
    local instance
    instance=bittern-$(cksum <"$folder/user-data" | cut -d ' ' -f 1)
    printf 'dsmode: local\ninstance-id: %s\ninstance_id: %s\n' "$instance" "$instance" \
        >"$folder/meta-data"
    [ -n "$wifi" ] || return 0
    psk=$(wifi_secret)
    {
        printf 'network:\n  version: 2\n  wifis:\n    wlan0:\n      dhcp4: true\n'
        # In quotes: NO is a country and, without them, a "false".
        printf '      regulatory-domain: "%s"\n      optional: true\n' "$country"
        printf '      access-points:\n        %s:\n' "$(printf '%s' "$wifi" | quoted)"
        [ "$wifi_hidden" = false ] || printf '          hidden: true\n'
        if [ -z "$psk" ]; then
            printf '          auth: {key-management: none}\n'
        elif [ "$wifi_wpa3" = yes ]; then
            printf '          auth: {key-management: sae, password: %s}\n' "$(printf '%s' "$psk" | quoted)"
        else
            printf '          password: %s\n' "$(printf '%s' "$psk" | quoted)"
        fi
    } >"$folder/network-config"
}

write_firstrun() {
    local psk='' security=wpa-psk
    if [ -n "$wifi" ]; then
        psk=$(wifi_secret)
    fi
    [ "$wifi_wpa3" = no ] || security=sae
    cp -- "$here/firstboot/firstrun.sh" "$folder/firstrun.sh"
    printf '%s=%q\n' hostname "$hostname" user "$user" password_hash "$(password_hash)" \
        ssh_key "$(public_key)" timezone "$timezone" wifi_ssid "$wifi" wifi_psk "$psk" \
        wifi_security "$security" wifi_hidden "$wifi_hidden" wifi_country "$country" \
        >"$folder/bittern/firstrun.conf"
}

# add_to_cmdline WORD…: each once, at the end of the one line that the firmware reads.
add_to_cmdline() {
    local file=$folder/cmdline.txt line word
    if [ ! -e "$file" ]; then
        say "add this to the line in cmdline.txt: $*"
        return 0
    fi
    [ -e "$file.before-bittern" ] || cp -- "$file" "$file.before-bittern"
    line=$(head -n 1 "$file" | tr -d '\r')
    for word in "$@"; do
        line=$(printf '%s' " $line " | sed -E "s# ${word%%=*}=[^ ]*##g; s#^ +##; s# +\$##")
        line="$line $word"
    done
    printf '%s\n' "$line" >"$file"
}

read_options "$@"
check_options
say "writing for Raspberry Pi OS $system to $folder"
write_brought
if [ "$system" = trixie ]; then
    write_cloud_init
    [ -z "$country" ] || add_to_cmdline "cfg80211.ieee80211_regdom=$country"
else
    write_firstrun
    add_to_cmdline ${country:+"cfg80211.ieee80211_regdom=$country"} \
        systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot \
        systemd.unit=kernel-command-line.target
fi
say "done: put the card into the Pi, and power it. After some minutes: ssh $user@$hostname.local"
more 'how far it came is in bittern-report.txt on the boot partition'
