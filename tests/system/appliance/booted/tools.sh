# shellcheck shell=bash
# Other people's tools: no process without a need, a sandbox of their own, addresses by the settings.
# shellcheck disable=SC2016,SC2154

python=/opt/bittern/current/.venv/bin/python
support=/mnt/clone/tests/support
probe=/mnt/clone/tests/system/appliance/booted/probe_of_tools.py
# tools: settings of this part, from standard input, and an appliance that has them.
tools() {
    write_settings
    inside bittern mcp allow --quiet
    start_anew
    soon 10 systemctl is-active bittern.service
}

tools </dev/null
is 'systemd listens for the host of tools, and nothing runs' sh -c 'systemctl is-active bittern-tools.socket && sleep 2 && ! systemctl is-active bittern-tools.service'

inside sh -c "install -m 644 $probe /etc/bittern/tools.d/probe.py && bittern tools new airing"
is 'the first tool of the owner starts it' sh -c 'bittern reload && sleep 3 && systemctl is-active bittern-tools.service'
is 'it is called in there' sh -c 'bittern mcp call airing "{\"room\": \"kitchen\"}" | grep -F "Open the window"'
is 'as nobody, with a home of its own that is gone with it' sh -c 'bittern mcp call who | grep -E "\"uid\":6[0-9]{4},\"groups\":\[\],\"home\":\"/run/bittern-tools\""'
is 'from inside: no key, no timer, no order, no brain, no sound card, no program, no process' sh -c 'bittern mcp call probe | grep -F "\"result\":[]"'
is 'the owner'\''s file is checked in there, not with the rights of root' sh -c 'bittern tools check | grep "^airing"; ! bittern tools check /etc/bittern/tools.d/airing.py'
shown sh -c 'systemd-analyze security --no-pager bittern-tools.service | tail -n 1'
is 'the sandbox: 1.5 or less' systemd-analyze security --threshold=15 bittern-tools.service

inside sh -c "$python $support/http_tool_server.py 8098 lamp >/dev/null 2>&1 &"
soon 20 python3 -c 'import socket; socket.create_connection(("127.0.0.1", 8098))'
is 'it reaches nobody, not even this machine' sh -c 'bittern mcp call reach "{\"port\": 8098}" | grep -F refused'
tools <<TOML
[[mcp]]
name = "net"
url = "http://127.0.0.1:8098/mcp"
[[mcp]]
name = "bad"
command = ["/usr/bin/python3", "$support/bad_tool_server.py"]
[[mcp]]
name = "dead"
command = ["/bin/false"]
TOML
is 'whom the settings name it reaches, once root has allowed it' sh -c 'bittern mcp call net_lamp "{\"text\": \"on\"}" | grep -F "lamp says on"'
is 'a program is started in there' sh -c 'bittern mcp call bad_echo "{\"text\": \"a\"}" | grep -F "you said a"'
is 'one that is dead is named, and the turn goes on' sh -c 'bittern mcp test | grep "^AWAY  dead"; bittern ask what time is it | grep -F "[brain]"'
dead=$(main_pid bittern-tools.service)
inside kill -KILL "$dead"
comes 'the host is back when it was killed' 20 sh -c "p=\$(systemctl show -P MainPID bittern-tools.service); test \$p -ne 0 -a \$p -ne $dead"

inside sh -c 'printf a-token | /opt/bittern/current/scripts/store-key.sh --tools LAMP_TOKEN'
is 'a key of a server goes to the host alone' sh -c 'systemctl cat bittern-tools.service | grep -q "=LAMP_TOKEN:" && ! systemctl cat bittern.service | grep -q LAMP_TOKEN'
inside sh -c '/opt/bittern/current/scripts/store-key.sh --tools --remove LAMP_TOKEN; rm /etc/bittern/tools.d/*; pkill -f http_tool_server'
tools </dev/null
