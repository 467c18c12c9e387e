# shellcheck shell=bash
# A key comes as a credential, works, and is nowhere else.
# shellcheck disable=SC2016,SC2154

is 'the key is stored encrypted for this machine' sh -c 'test "$(stat -c "%U %a" /etc/bittern/credentials/HOUSE_KEY.cred)" = "root 600" && ! grep -q sk-secret /etc/bittern/credentials/HOUSE_KEY.cred && test "$(systemd-creds decrypt --name=HOUSE_KEY /etc/bittern/credentials/HOUSE_KEY.cred -)" = sk-secret-of-this-test'
is 'the unit names it, and does not hold it' sh -c 'systemctl cat bittern.service | grep -q "^LoadCredentialEncrypted=HOUSE_KEY:" && ! systemctl cat bittern.service bittern-safe.service bittern-brain.service | grep sk-secret'

# An endpoint in the house that wants that key: a second brain, behind a token.
inside systemd-run --quiet --unit house --setenv=TOKEN=sk-secret-of-this-test --setenv=BITTERN_MODELS=/var/lib/bittern-models \
    bittern brain --listen 127.0.0.1:8799 --token-env TOKEN
soon 20 sh -c 'journalctl -u house | grep -q ready:'
start_anew
is 'an endpoint that wants the key is given it' sh -c 'bittern ask what time is it | grep -F "[house]"'
is 'what it has used is counted and kept, for itself alone' sh -c 'bittern spending | tee /dev/stderr | grep "house *unnamed *[1-9]" && test "$(stat -c "%U %a" /var/lib/bittern/spending.sqlite3)" = "bittern 600"'
is 'and after a crash it is still known' sh -c 'systemctl kill --signal=KILL bittern.service; until bittern status >/dev/null 2>&1; do sleep 0.3; done; bittern spending | grep "house *unnamed *[1-9]"'
is 'the brain of this machine has cost nothing' sh -c '! bittern spending | grep "brain"'
is 'another key is refused there' sh -c 'python3 -c "
import http.client
there = http.client.HTTPConnection(\"127.0.0.1\", 8799)
there.request(\"GET\", \"/v1/realtime\", headers={\"Authorization\": \"Bearer sk-other\"})
raise SystemExit(there.getresponse().status != 401)"'

inside sh -c '(bittern say one two three four five six seven eight nine ten >/dev/null 2>&1 &); sleep 0.7'
is 'it is in the environment of no process but the one that this test gave it to' sh -c 'for p in /proc/[0-9]*; do test "$p" = "/proc/$(systemctl show -P MainPID house)" || ! tr "\0" "\n" <$p/environ 2>/dev/null | grep -q sk-secret || exit 1; done'
is 'nor on any command line' sh -c '! grep -alq sk-secre[t] /proc/[0-9]*/cmdline'
is 'nor in the settings, the units, the state or the journal' sh -c '! grep -rql sk-secret /etc/systemd /etc/bittern/bittern.toml /opt/bittern/current/systemd /var/lib/bittern --exclude-dir=models && ! journalctl -u "bittern*" | grep -q sk-secret'
pid=$(main_pid)
is 'the process may not be dumped' sh -c "test \"\$(stat -c %U /proc/$pid/mem)\" = root && grep -Eq '^Max core file size +0 +0' /proc/$pid/limits"
is 'nor looked into by its own user' sh -c "! setpriv --reuid bittern --regid bittern --clear-groups cat /proc/$pid/environ"
inside kill -ABRT "$pid"
comes 'even when it crashes, nothing of it is written' 20 sh -c '! find / -xdev \( -name "core" -o -name "core.*" -o -path "/var/lib/systemd/coredump/*" \) -type f -newer /run/systemd/system -not -path "/opt/*" -not -path "/usr/*" -not -path "/sys/*" | grep . && systemctl is-active bittern.service'
pid=$(main_pid)
is 'another user cannot read the credential' sh -c '! setpriv --reuid 65534 --regid 65534 --clear-groups cat /run/credentials/bittern.service/HOUSE_KEY'

# Where systemd cannot encrypt, the same name without .cred is a file of root's.
inside sh -c 'cd /etc/bittern/credentials && systemd-creds decrypt --name=HOUSE_KEY HOUSE_KEY.cred HOUSE_KEY && chmod 600 HOUSE_KEY && rm HOUSE_KEY.cred && sed -i "s/^LoadCredentialEncrypted=.*/LoadCredential=HOUSE_KEY:\/etc\/bittern\/credentials\/HOUSE_KEY/" /etc/systemd/system/bittern.service.d/*.conf && systemctl daemon-reload'
start_anew
is 'a plain credential of root works as well' sh -c 'bittern ask what time is it | grep -F "[house]"'
inside systemctl stop house
is 'a second installation encrypts it again' sh -c '"$@" && test -e /etc/bittern/credentials/HOUSE_KEY.cred && ! test -e /etc/bittern/credentials/HOUSE_KEY' - "${install[@]}"
