#!/usr/bin/env bash
# Remove what scripts/install.sh has installed. As root.
#
#   scripts/uninstall.sh [--keep-data]
#     --keep-data    leave settings, keys, models, timers and lists, and the user they belong to
#
# Debian packages stay: others may use them by now.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$here/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/appliance.sh
. "$here/lib/appliance.sh"

keep=no
case ${1:-} in
'') ;;
--keep-data) keep=yes ;;
*) fail 'usage: scripts/uninstall.sh [--keep-data]' ;;
esac
[ "$(id -u)" -eq 0 ] || fail 'scripts/uninstall.sh needs root'

say 'stopping the services'
for unit in "${UNIT_NAMES[@]}"; do
    [ -e "$UNITS/$unit" ] || continue
    systemctl disable --now --quiet "$unit" 2>/dev/null || systemctl stop "$unit" || true
done

say 'removing services and programs'
for unit in "${UNIT_NAMES[@]}"; do
    rm -f -- "$UNITS/$unit"
done
rm -f -- "$DROP_IN" "$COMMAND" "$SYSUSERS" "$TMPFILES"
# What `systemctl edit` has written, and what was half made when something was ended.
for unit in "${UNIT_NAMES[@]}"; do
    rm -rf -- "$UNITS/$unit.d" "/run/systemd/system/$unit.d" "$UNITS/.$unit.new"
done
for folder in "$UNITS" "$(dirname -- "$SYSUSERS")" "$(dirname -- "$TMPFILES")"; do
    rm -f -- "$folder"/.bittern.??????
done
rm -f -- "${COMMAND%/*}"/.bittern.new /run/bittern-setup.lock
rmdir -- "$(dirname -- "$SYSUSERS")" 2>/dev/null || true # others have something in it
rm -rf -- "$OPT"
rm -f -- /var/lib/systemd/timers/stamp-bittern-update.timer # when it was last due
systemctl daemon-reload
systemctl reset-failed "${UNIT_NAMES[@]}" 2>/dev/null || true

if config=$(boot_config); then
    if grep -qxF "$MARK_BEGIN" "$config"; then
        say "taking our lines out of $config"
        without_our_lines "$config" | put_boot_config "$config"
    fi
    # Also what the first boot of a prepared card has left (scripts/make-firstboot.sh).
    boot=$(dirname -- "$config")
    rm -f -- "$config.new" "$config.before-bittern" "$boot/cmdline.txt.before-bittern" "$boot/bittern-report.txt"
fi

# The note of the first boot that keeps cloud-init from looking for orders on the card stays where
# somebody else has written it.
if grep -qs '(Bittern)' /etc/cloud/cloud-init.disabled; then
    rm -f -- /etc/cloud/cloud-init.disabled
fi

rm -rf -- "$MODELS/.kept" "$MODELS/.staged"
if [ "$keep" = yes ]; then
    say "kept: $ETC, $STATE and $MODELS"
    exit 0
fi
say 'removing settings, keys, models, timers and lists'
mapfile -t groups < <(cat -- "$GROUPS_MADE" 2>/dev/null)
rm -rf -- "$ETC" "$STATE" "$MODELS"
if getent passwd bittern >/dev/null; then
    userdel bittern
fi
if getent group bittern >/dev/null; then
    groupdel bittern
fi
for group in "${groups[@]}"; do
    # Somebody else may be in it by now.
    case $(getent group "$group") in
    *:) groupdel "$group" ;;
    esac
done
say 'nothing is left'
