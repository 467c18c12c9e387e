#!/usr/bin/env bash
# Store the key of a cloud for the installed service, or forget it. As root.
#
#   scripts/store-key.sh NAME          the key is read from standard input
#   scripts/store-key.sh --remove NAME
#
# NAME is what key_env in the settings says (OPENAI_API_KEY). The service gets the key the
# next time it starts.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$here/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/appliance.sh
. "$here/lib/appliance.sh"
# shellcheck source-path=SCRIPTDIR source=lib/credentials.sh
. "$here/lib/credentials.sh"

remove=no
if [ "${1:-}" = --remove ]; then
    remove=yes
    shift
fi
key_name=${1:-}
[[ $# -eq 1 && $key_name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] ||
    fail 'usage: scripts/store-key.sh [--remove] NAME, and the key on standard input'
[ "$(id -u)" -eq 0 ] || fail 'scripts/store-key.sh needs root'

folder=$ETC/credentials
command install -d -m 0700 "$folder"
if [ "$remove" = yes ]; then
    remove_key "$folder"
else
    key=$(tr -d '[:space:]')
    [ -n "$key" ] || fail 'there was no key on standard input'
    store_key "$folder" "$key" || more 'that is the key it had already'
fi
write_drop_in "$folder" || true
have systemctl && [ -d /run/systemd/system ] && systemctl daemon-reload
exit 0
