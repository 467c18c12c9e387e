# shellcheck shell=bash
# New settings: applied in place, refused with the reason, and never a loop of restarts.
# shellcheck disable=SC2016,SC2154

start_anew
before=$(main_pid)
is 'a timer is set' sh -c 'bittern ask set a timer for twenty minutes'
write_settings <<'TOML'
[speaker]
volume_percent = 41
TOML
is 'systemctl reload applies good settings to the same process' sh -c "systemctl reload bittern.service && test \$(systemctl show -P MainPID bittern.service) = $before && bittern volume | grep -q 41"
write_settings <<'TOML'
[wake]
sensitivity = "high"
TOML
is 'also those that the ears are built anew for' sh -c "systemctl reload bittern.service && test \$(systemctl show -P MainPID bittern.service) = $before && bittern status"
is 'and the timer runs on' sh -c 'bittern ask how much time is left on my timer | grep -Ei "minutes"'
inside sh -c 'printf "[assistant]\nfollow_up_s = \"soon\"\n" >/etc/bittern/bittern.toml'
is 'bad ones are refused, and it goes on' sh -c "! systemctl reload bittern.service; test \$(systemctl show -P MainPID bittern.service) = $before && bittern status"
is 'and the reason is in the journal' sh -c 'journalctl -u bittern.service | grep -q follow_up_s'
inside systemctl restart bittern.service 2>/dev/null
comes 'started with bad settings it ends with 78, once' 20 sh -c 'test "$(systemctl show -P ExecMainStatus bittern.service)" = 78 && test "$(systemctl show -P NRestarts bittern.service)" = 0'
is 'its status says what is wrong' sh -c 'systemctl status --no-pager bittern.service | grep -E "Status:.*follow_up_s"'
shown sh -c 'systemctl status --no-pager bittern.service | grep -E "Active:|Status:"'
comes 'safe mode begins, and takes orders' 20 sh -c 'systemctl is-active bittern-safe.service && bittern status | grep -Eq "is safe mode +yes"'
is 'it answers with the local brain' sh -c 'bittern ask what time is it | grep -F "[brain]"'
write_settings </dev/null
comes 'mended, the appliance is back by itself' 40 sh -c 'systemctl is-active bittern.service && ! systemctl is-active bittern-safe.service'
is 'and the timer still runs' sh -c 'bittern ask how much time is left on my timer | grep -Ei "minutes"'
