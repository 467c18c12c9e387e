# shellcheck shell=bash
# What the services may take of the machine's memory, while they work: a program that wants
# ever more, in the place of each, is ended by the kernel, and nobody else is.
# shellcheck disable=SC2016,SC2154

if inside systemd-run --quiet --wait --property MemoryMax=50M python3 -c 'len(bytearray(200_000_000))' 2>/dev/null; then
    skip 'MemoryMax' 'this container enforces none; see BITTERN_LEGACY_CGROUPS in run_booted.sh'
    return 0
fi

start_anew
soon 10 systemctl is-active bittern.service
is 'the brain answers within its limit' sh -c 'bittern ask what time is it | grep -F "[brain]"'
shown sh -c 'for unit in bittern bittern-brain; do
    most=$(cat /sys/fs/cgroup/memory/system.slice/$unit.service/memory.max_usage_in_bytes 2>/dev/null || systemctl show -P MemoryPeak $unit)
    echo "$unit: at most $((most / 1000000)) MB so far, of $(($(systemctl show -P MemoryMax $unit) / 1000000))"
done'
before=$(main_pid)
for unit in bittern-brain bittern; do
    in_sandbox "$unit.service" /mnt/clone/tests/system/appliance/booted/takes_memory.py
    status=$?
    sed 's/^/       /' "$work/out"
    last=$(sed -n 's/^took \([0-9]*\) MB$/\1/p' "$work/out" | tail -n 1)
    limit=$(inside systemctl show -P MemoryMax "$unit.service")
    [ "$status" -ne 0 ] && [ "${last:-0}" -gt 100 ] && [ "$((last * 1000000))" -lt "$limit" ]
    statement "$unit: what wants more than $((limit / 1000000)) MB is ended" "$?" "$work/out"
done
is 'while the appliance itself goes on' test "$before" = "$(main_pid)"
is '… and answers' sh -c 'bittern ask what time is it | grep -F "[brain]"'
