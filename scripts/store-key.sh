#!/usr/bin/env bash
# Store the key of a cloud for the installed service, or forget it. As root.
#
#   scripts/store-key.sh NAME          the key is read from standard input
#   scripts/store-key.sh --remove NAME
#   scripts/store-key.sh --tools [--remove] NAME
#                                      the same of a server of other people's tools
#
# NAME is what key_env in the settings says (OPENAI_API_KEY). The service gets the key the
# next time it starts. The appliance is given no key of a server of tools, and no server any of
# the appliance's.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$here/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/appliance.sh
. "$here/lib/appliance.sh"
# shellcheck source-path=SCRIPTDIR source=lib/credentials.sh
. "$here/lib/credentials.sh"

remove=no tools=no
if [ "${1:-}" = --tools ]; then
    tools=yes
    shift
fi
if [ "${1:-}" = --remove ]; then
    remove=yes
    shift
fi
key_name=${1:-}
[[ $# -eq 1 && $key_name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] ||
    fail 'usage: scripts/store-key.sh [--tools] [--remove] NAME, and the key on standard input'
[ "$(id -u)" -eq 0 ] || fail 'scripts/store-key.sh needs root'

folder=$ETC/credentials drop_in=$DROP_IN
if [ "$tools" = yes ]; then
    folder=$ETC/tool-credentials drop_in=$TOOLS_DROP_IN
fi
command install -d -m 0700 "$folder"
if [ "$remove" = yes ]; then
    remove_key "$folder"
else
    key=$(tr -d '[:space:]')
    [ -n "$key" ] || fail 'there was no key on standard input'
    store_key "$folder" "$key" || more 'that is the key it had already'
fi
write_drop_in "$folder" "$drop_in" || true
have systemctl && [ -d /run/systemd/system ] && systemctl daemon-reload
exit 0
