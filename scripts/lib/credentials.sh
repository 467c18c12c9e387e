# shellcheck shell=bash
# Keys of the cloud: where the installed appliance keeps them, and how its service gets them.
# Needs common.sh and appliance.sh.

# store_key FOLDER KEY: as $key_name, encrypted for this machine where systemd can.
# Returns 0 when something changed, 1 when not.
store_key() {
    # shellcheck disable=SC2154  # key_name is the name that the caller was given
    local folder=$1 key=$2 sealed=$1/$key_name.cred plain=$1/$key_name
    if [ -e "$sealed" ] && [ "$(systemd-creds decrypt --name="$key_name" "$sealed" - 2>/dev/null)" = "$key" ]; then
        return 1
    fi
    if have systemd-creds && systemd-creds setup >/dev/null 2>&1 &&
        printf '%s' "$key" | systemd-creds encrypt --with-key=host --name="$key_name" - "$sealed.new" 2>/dev/null; then
        chmod 0600 "$sealed.new"
        mv -f "$sealed.new" "$sealed" || fail "the key could not be written to $sealed"
        rm -f "$plain"
        more "the key is in $sealed, encrypted for this machine"
    else
        rm -f "$sealed.new"
        [ "$(cat "$plain" 2>/dev/null)" != "$key" ] || return 1
        printf '%s' "$key" | put "$plain" 600
        [ "$(cat "$plain" 2>/dev/null)" = "$key" ] || fail "the key could not be written to $plain"
        more "the key is in $plain, readable by root alone (systemd cannot encrypt here)"
    fi
}

# remove_key FOLDER: forget $key_name.
remove_key() {
    rm -f -- "$1/$key_name" "$1/$key_name.cred"
}

# write_drop_in FOLDER [DROP_IN]: the service is given every key that lies there.
# Returns 0 when something changed, 1 when not.
write_drop_in() {
    local folder=$1 drop_in=${2:-$DROP_IN} file name lines=''
    for file in "$folder"/*; do
        [ -f "$file" ] || continue
        name=$(basename "$file")
        case $name in
        *.cred) lines+="LoadCredentialEncrypted=${name%.cred}:$file"$'\n' ;;
        *) lines+="LoadCredential=$name:$file"$'\n' ;;
        esac
    done
    if [ -n "$lines" ]; then
        command install -d -m 0755 "$(dirname "$drop_in")"
        printf '[Service]\n%s' "$lines" | put "$drop_in" 644
    elif [ -e "$drop_in" ]; then
        rm -f -- "$drop_in"
    else
        return 1
    fi
}
