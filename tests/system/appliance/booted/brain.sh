# shellcheck shell=bash
# The local brain: started by the first question, gone when nobody asks, back when it dies.
# shellcheck disable=SC2016,SC2154

soon 10 systemctl is-active bittern.service
inside systemctl stop bittern-brain.service 2>/dev/null
is 'systemd listens for the brain, which costs nothing yet' sh -c 'systemctl is-active bittern-brain.socket && ! systemctl is-active bittern-brain.service'
is 'the first question starts it, and it answers' sh -c 'bittern ask what time is it | grep -F "[brain]" && systemctl is-active bittern-brain.service'
comes 'it ends by itself when nobody asks any more' 40 sh -c '! systemctl is-active bittern-brain.service && test "$(systemctl show -P Result bittern-brain.service)" = success'
is 'and is there again for the next question' sh -c 'bittern ask what time is it | grep -F "[brain]"'

before=$(main_pid bittern-brain.service)
is 'an order has a new one in its place' sh -c "bittern restart-brain && p=\$(systemctl show -P MainPID bittern-brain.service) && test \$p -ne 0 -a \$p -ne $before"

inside sh -c 'journalctl --rotate --vacuum-time=1s >/dev/null 2>&1; (bittern ask tell me a long story about a river and the sea >/root/cut 2>&1 &) '
soon 60 sh -c 'bittern status | grep -Eq "^state +speaking"'
dead=$(main_pid bittern-brain.service)
inside kill -KILL "$dead"
# Looked at first: nobody asks it, and after ten seconds it has ended again.
comes 'the brain is back after its restart time' 10 sh -c "p=\$(systemctl show -P MainPID bittern-brain.service); test \$p -ne 0 -a \$p -ne $dead"
comes 'killed in the middle of an answer: the appliance says so' 20 sh -c 'journalctl -u bittern.service BITTERN_EVENT=notice | grep -E "name=(answer_cut|local_brain)" || journalctl -u bittern.service BITTERN_EVENT=link_failed'
comes 'and is idle again' 30 sh -c 'bittern status | grep -Eq "^state +idle"'
is 'and answers' sh -c 'bittern ask what time is it | grep -F "[brain]"'

# Without a network, before anybody has asked.
inside sh -c 'mkdir -p /run/systemd/system/bittern.service.d && printf "[Service]\nPrivateNetwork=yes\n" >/run/systemd/system/bittern.service.d/50-offline.conf && systemctl daemon-reload'
inside systemctl stop bittern-brain.service 2>/dev/null
start_anew
comes 'when there is no network, the brain gets ready before it is asked' 30 systemctl is-active bittern-brain.service
is 'and the journal says why' sh -c 'journalctl -u bittern.service | grep "no network"'
inside sh -c 'rm -r /run/systemd/system/bittern.service.d && systemctl daemon-reload'
start_anew
