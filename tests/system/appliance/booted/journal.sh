# shellcheck shell=bash
# The journal: fields to search by, levels to read by, and nothing that was said.
# shellcheck disable=SC2016,SC2154

start_anew
# The house's endpoint is not there: the question goes on to the brain.
answer=$(inside bittern ask 'what is twelve times twelve' 2>&1)
printf '       %s\n' "$answer"
is 'the line of a turn has its particulars as fields' sh -c 'journalctl -u bittern.service BITTERN_EVENT=turn BITTERN_ENDPOINT=brain -n 1 -o json --output-fields=BITTERN_TURN,BITTERN_STATE,LOGGER,PRIORITY,SYSLOG_IDENTIFIER | python3 -c "
import json, sys
line = json.loads(sys.stdin.readline())
assert int(line[\"BITTERN_TURN\"]) >= 1 and line[\"BITTERN_STATE\"], line
assert (line[\"PRIORITY\"], line[\"SYSLOG_IDENTIFIER\"], line[\"LOGGER\"]) == (\"6\", \"bittern\", \"bittern\"), line"'
is 'what went wrong is a warning' sh -c 'journalctl -u bittern.service -p warning BITTERN_EVENT=link_failed BITTERN_ENDPOINT=house | grep reason='
is 'nothing that was asked or answered is in it' sh -c '! journalctl -u "bittern*" -o verbose | grep -iE "twelve times|forty-four"'
is 'but somebody else on this machine does not see a line of it' sh -c 'journalctl -q -u bittern.service -n 1 -o cat | grep . && ! setpriv --reuid=nobody --regid=nogroup --clear-groups journalctl -q -u bittern.service -n 1 -o cat 2>/dev/null | grep .'
write_settings <<'TOML'
[log]
transcripts = true
TOML
is 'unless the owner wants it' sh -c 'systemctl reload bittern.service && bittern ask what is twelve times twelve && journalctl -u bittern.service BITTERN_EVENT=said | grep -i "forty-four"'
write_settings </dev/null
inside systemctl reload bittern.service

if [ -d "${BITTERN_RECORDINGS:-}" ] && command -v sox >/dev/null; then
    sox "$BITTERN_RECORDINGS/wake/single/hey_jarvis.flac" "$BITTERN_RECORDINGS/commands/what_time_is_it.flac" -r 48000 -c 1 "$work/question.wav" pad 1 3
    paplay -d air "$work/question.wav"
    comes 'a spoken question has its latency there, in milliseconds' 30 sh -c 'journalctl -u bittern.service BITTERN_EVENT=turn -o json --output-fields=BITTERN_LATENCY_MS,MESSAGE | grep trigger=wake_word | grep -oE "BITTERN_LATENCY_MS\":\"[0-9]+"'
    shown sh -c 'journalctl -u bittern.service -b -o cat -n 12 | cut -c 1-150'
else
    skip 'the latency of a spoken question' 'no BITTERN_RECORDINGS, or no sox to join them'
fi
