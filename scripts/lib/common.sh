# shellcheck shell=bash
# What every script shares: how to speak, how to stop, where the clone is.
#
# All talk goes to standard error, so that standard output belongs to the command that a
# script ends by running.

# shellcheck disable=SC2034  # used by the scripts that source this
REPOSITORY=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
    _strong=$'\e[1m' _plain=$'\e[0m'
else
    _strong='' _plain=''
fi

# say TEXT…: one step that is about to be taken.
say() {
    printf '%s%s%s %s\n' "$_strong" 'bittern:' "$_plain" "$*" >&2
}

# more TEXT…: a further line to what was just said.
more() {
    printf '         %s\n' "$*" >&2
}

# fail TEXT [MORE…]: say why it ends here, a line for each argument, and end.
fail() {
    say "$1"
    shift
    local line
    for line in "$@"; do
        more "$line"
    done
    exit 1
}

# have COMMAND: is there such a command?
have() {
    command -v -- "$1" >/dev/null 2>&1
}

# as_words WORD…: the words as they may be pasted into a shell.
as_words() {
    local quoted
    printf -v quoted '%q ' "$@"
    printf '%s' "${quoted% }"
}

# only_one_at_a_time: a second script of this clone waits here until the first has set up.
# The lock is the folder of scripts itself, so there is no lock file to leave behind. That of
# root is a file that nobody else can open: whoever may read a file may lock it for ever.
only_one_at_a_time() {
    have flock || return 0
    local lock=$REPOSITORY/scripts
    if [ "$(id -u)" -eq 0 ] && [ -w /run ]; then
        lock=/run/bittern-setup.lock
        (umask 077 && : >>"$lock")
    fi
    exec 9<"$lock"
    if ! flock --nonblock 9; then
        say "waiting for $(holder_of "$lock"), which is setting up"
        flock 9
    fi
}

# holder_of FILE: prints who holds its lock.
holder_of() {
    local device inode key process
    read -r device inode < <(stat --dereference --format '%d %i' -- "$1")
    printf -v key '%02x:%02x:%s' $(((device >> 8) & 0xfff)) \
        $(((device & 0xff) | ((device >> 12) & 0xfff00))) "$inode"
    process=$(awk -v key="$key" '$2 == "FLOCK" && $(NF - 2) == key { print $(NF - 3); exit }' \
        /proc/locks 2>/dev/null) || true
    if [ -e "/proc/${process:-none}/cmdline" ]; then
        printf 'process %s of %s (%s)' "$process" "$(stat --format %U "/proc/$process")" \
            "$(tr '\0' ' ' <"/proc/$process/cmdline" | sed 's/ *$//')"
    else
        printf 'another process'
    fi
}

# let_others_in: the set-up is done. The command that follows must not hold the lock.
let_others_in() {
    exec 9<&-
}
