# shellcheck shell=bash
# Everything at once, for an hour (BITTERN_MINUTES: another time), under the memory limits of the
# units: questions spoken and typed, two sentences said at the same moment, timers that ring,
# lists, settings read anew, mutes, people who watch. Nothing may be ended for its memory.
# Not one of the parts of a whole run; with limits that hold it takes a Debian 12 (run_booted.sh).
# shellcheck disable=SC2016,SC2154

minutes=${BITTERN_MINUTES:-60}

# uses UNIT: the most memory it has had so far, in bytes.
uses() {
    inside sh -c 'cat /sys/fs/cgroup/memory/system.slice/$0/memory.max_usage_in_bytes 2>/dev/null || systemctl show -P MemoryPeak $0' "$1"
}

# kills UNIT: how often the kernel ended one of its processes for memory.
kills() {
    inside sh -c 'cat /sys/fs/cgroup/memory/system.slice/$0/memory.oom_control /sys/fs/cgroup/system.slice/$0/memory.events 2>/dev/null | sed -n "s/^oom_kill //p"' "$1"
}

# again SECONDS COMMAND…: in the container, over and over until the end; failures do not end it.
again() {
    inside sh -c 'pause=$0; while [ ! -e /root/hour-is-over ]; do "$@" >/dev/null 2>&1; sleep "$pause"; done' "$@" &
    workers+=("$!")
}

people_speak() {
    while [ ! -e "$work/merged/root/hour-is-over" ]; do
        paplay -d air "$work/question.wav" 2>/dev/null || sleep 1
        sleep 8
    done
}

workers=()
inside rm -f /root/hour-is-over
start_anew
soon 20 systemctl is-active bittern.service
if inside systemd-run --quiet --wait --property MemoryMax=50M python3 -c 'len(bytearray(200_000_000))' 2>/dev/null; then
    skip "that the limits hold" 'this container enforces none; see BITTERN_LEGACY_CGROUPS in run_booted.sh'
fi
before=$(main_pid)
if [ -d "${BITTERN_RECORDINGS:-}" ] && command -v sox >/dev/null; then
    sox "$BITTERN_RECORDINGS/wake/single/hey_jarvis.flac" "$BITTERN_RECORDINGS/commands/what_time_is_it.flac" -r 48000 -c 1 "$work/question.wav" pad 1 6
    people_speak &
    workers+=("$!")
else
    skip 'spoken questions' 'no BITTERN_RECORDINGS, or no sox to join them'
fi
again 11 bittern ask what time is it
again 13 bittern ask set a timer for ten seconds
again 7 bittern say the washing machine has finished and wants to be emptied
again 7 bittern say dinner is on the table
again 5 bittern turns --last 20
again 3 bittern status
again 60 sh -c 'bittern mute; sleep 3; bittern unmute'
again 90 systemctl reload bittern.service
again 17 bittern tools call add_to_list '{"item": "oat milk"}'
again 29 bittern ask clear the shopping list
again 1 timeout 30 bittern watch --json
again 301 bittern doctor
inside sleep "$((minutes * 60))"
inside touch /root/hour-is-over
kill "${workers[@]}" 2>/dev/null
wait "${workers[@]}" 2>/dev/null
inside pkill -f hour-is-over || true

for unit in bittern bittern-brain; do
    limit=$(inside systemctl show -P MemoryMax "$unit.service")
    most=$(uses "$unit.service")
    printf '       %s: at most %s MB of %s in %s minutes\n' "$unit" "$((most / 1000000))" "$((limit / 1000000))" "$minutes"
    [ "$(kills "$unit.service" | paste -sd+ | sed 's/^$/0/' | bc 2>/dev/null || echo 0)" = 0 ]
    statement "$unit: nothing was ended for its memory" "$?" /dev/null
    [ "$most" -lt "$limit" ]
    statement "$unit: it stayed below its limit" "$?" /dev/null
done
[ "$(uses bittern.service)" -le 200000000 ]
statement 'the appliance itself took 200 MB at most' "$?" /dev/null
is 'it is the same process as before' test "$before" = "$(main_pid)"
comes '… which answers' 60 sh -c 'bittern ask what time is it | grep -F "[brain]"'
inside journalctl --no-pager -o cat -p err -u bittern.service -u bittern-brain.service | tail -n 20 | sed 's/^/       /'
