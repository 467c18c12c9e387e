# shellcheck shell=bash
# What the services may not do, asked from inside their own sandboxes, while they work.
# shellcheck disable=SC2016,SC2154

start_anew
inside bittern ask what time is it >/dev/null 2>&1
for unit in bittern.service bittern-safe.service bittern-brain.service; do
    shown sh -c "systemd-analyze security --no-pager $unit | tail -n 1"
done
is 'the sandbox: 2.0 or less for the appliance, while it works' sh -c 'systemctl is-active bittern.service && systemd-analyze security --threshold=20 bittern.service'
is 'the sandbox: 2.0 or less for safe mode' systemd-analyze security --threshold=20 bittern-safe.service
is 'the sandbox: 1.0 or less for the brain, while it works' sh -c 'bittern ask what time is it && systemctl is-active bittern-brain.service && systemd-analyze security --threshold=10 bittern-brain.service'

in_sandbox bittern.service /mnt/clone/tests/system/appliance/booted/in_the_appliance.py
statement 'from inside: the appliance can do what it needs, and nothing more' "$?" "$work/out"
sed 's/^/       /' "$work/out"
in_sandbox bittern-brain.service /mnt/clone/tests/system/appliance/booted/in_the_brain.py
statement 'from inside: the brain reaches no network, no device and no key' "$?" "$work/out"
sed 's/^/       /' "$work/out"

# The brain may have ended meanwhile, as it does when nobody asks.
is 'the ears come first: weights and niceness' sh -c '
    bittern ask what time is it >/dev/null
    ears=$(systemctl show -P CPUWeight bittern.service) brain=$(systemctl show -P CPUWeight bittern-brain.service)
    test "$ears" -gt "$brain" && test "$(ps -o ni= -p "$(systemctl show -P MainPID bittern.service)")" -lt 0 &&
    test "$(ps -o ni= -p "$(systemctl show -P MainPID bittern-brain.service)")" -gt 0 &&
    test "$(cat "/proc/$(systemctl show -P MainPID bittern-brain.service)/oom_score_adj")" -ge 500'
