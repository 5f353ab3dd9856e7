# Runs as root in the booted container, once everything is installed. Says `ok: …` or `FAILED: …`.
conf=/etc/dropstreamd connection=/etc/dropstreamd/connections.d/acme-shop.toml unit=/etc/systemd/system
value=hunter2-hunter2
check() { local what=$1; shift; if "$@" >/tmp/said 2>&1; then echo "ok: $what"; else echo "FAILED: $what"; cat /tmp/said; fi; }
until_is() { for _ in $(seq 300); do "${@:2}" 2>/dev/null | grep -qx "$1" && return; sleep 0.1; done; "${@:2}"; return 1; }
show() { systemctl show -P "$1" dropstreamd; }
as() { runuser -u "$1" -- "${@:2}"; }
arrived() { wc -l </run/sandbox/arrived; }
buy() { for n in $(seq "$1"); do touch "/run/sandbox/buy$n"; done; until_is "" sh -c 'ls /run/sandbox | grep -c buy | sed "s/^0$//"'; }
run() { dropstreamctl run acme-shop "$1" --wait; }
drop_in() { mkdir -p $unit/dropstreamd.service.d; printf '[Service]\n%b\n' "$1" >$unit/dropstreamd.service.d/test.conf; systemctl daemon-reload; }

check "Type=notify reaches active" until_is active show ActiveState
systemd-run -q --unit=sandbox -p Environment=HOME=/root -p RuntimeDirectory=sandbox \
  /opt/dropstreamd/bin/python /usr/local/lib/sandbox.py /run/sandbox $value
check "the sandbox listens" until_is demo tail -n 1 /run/sandbox/account
mapfile -t at </run/sandbox/account
useradd -G dropstreamd clerk; useradd other
check "a member of the group sets a secret" sh -c "printf $value | runuser -u clerk -- dropstreamctl secret set acme"
check "another user may not use the socket" eval '! as other dropstreamctl status'

printf '[warehouses.main]\nplatform="file-exchange"\nurl="%s"\nhost_key="%s"\npassword={secret="acme"}\ntimezone="UTC"\nquantity="available"\nsettle_s=0.1\n' \
  "${at[1]}" "${at[2]}" >$conf/merchants.d/acme.toml
printf 'id="c-1"\nmerchant="acme"\nwarehouse="main"\ntimezone="UTC"\nreference="SH{number}"\n[store]\nplatform="vendure"\nurl="%s"\nusername="%s"\npassword={secret="acme"}\nallow_private_address=true\n[channels.sales_orders]\nimport=[]\n[shipping]\nunmapped="pass"\n' \
  "${at[0]}" "${at[3]}" >$connection
check "a good reload" systemctl reload dropstreamd
sed -i 's/"main"/"mian"/' $connection
check "a bad reload fails" eval '! systemctl reload dropstreamd'
check "and leaves the service active" until_is active show ActiveState
systemctl kill -s HUP --kill-who=main dropstreamd
check "a bad SIGHUP is in the log" until_is 1 sh -c 'journalctl -t dropstreamd -o cat | grep -c reload_refused'
sed -i 's/"mian"/"main"/' $connection
check "both sides answer" dropstreamctl test acme-shop --write
dropstreamctl enable acme-shop >/dev/null; dropstreamctl enable acme-shop sales_orders >/dev/null; run sales_orders >/dev/null 2>&1
buy 3; check "a run" run sales_orders
check "orders go through" until_is 3 arrived

check "the API edits a connection" dropstreamctl schedule acme-shop inventory.smart "every 30 minutes" --yes
check "in its file" grep -q "every 30 minutes" $connection
check "a backup" dropstreamctl backup /var/lib/dropstreamd/backup
check "no backup to its own /tmp" eval '! dropstreamctl backup /tmp/backup'
sed -e 's/^Type=.*/Type=oneshot/' -e '/^\(WatchdogSec\|Restart\|ExecReload\)/d' -e 's/^RuntimeDirectory=.*/&\nRuntimeDirectoryPreserve=yes/' \
  -e 's#^ExecStart=.*#ExecStart=/opt/dropstreamd/bin/python /usr/local/lib/confined.py#' $unit/dropstreamd.service >$unit/confined.service
systemctl daemon-reload; check "a confined process starts" systemctl start confined
check "and may do nothing more" eval '! journalctl -u confined -o cat | grep -E "^(allowed|refused):|Traceback"'

buy 40; dropstreamctl run acme-shop sales_orders >/dev/null 2>&1; sleep 0.5; before=$(show MainPID)
kill -9 "$before"; check "after kill -9 it is started again" until_is 1 show NRestarts
check "and gets ready" until_is active show ActiveState
check "with its switches and its work" eval 'dropstreamctl status acme-shop | grep "sales_orders  on"'
drop_in 'WatchdogSec=4s'; systemctl restart dropstreamd; before=$(show MainPID); kill -STOP "$before"
check "a process that stands still is killed" until_is 1 sh -c 'journalctl -u dropstreamd -o cat | grep -c "Failed with result .watchdog"'
check "and started again" until_is 1 show NRestarts; until_is active show ActiveState
drop_in 'WatchdogSec=60s\nReadWritePaths='; systemctl restart dropstreamd
check "a folder that is read-only is left alone" eval 'dropstreamctl --json schedule acme-shop inventory.smart hourly --yes | grep "\"read-only\""'
for _ in $(seq 90); do run sales_orders >/dev/null 2>&1; [ "$(arrived)" = 43 ] && break; sleep 2; done
check "every order arrived" until_is 43 arrived
check "each once" eval '[ -z "$(sort /run/sandbox/arrived | uniq -d)" ]'

check "stop" systemctl stop dropstreamd
check "with exit status 0" until_is "success 0" sh -c 'systemctl show -P Result -P ExecMainStatus dropstreamd | xargs'
journalctl -t dropstreamd -o cat | sed '/^Fatal Python error/,/^Extension modules/d' >/root/log
check "the log is JSON" /opt/dropstreamd/bin/python -c 'import json; [json.loads(line) for line in open("/root/log")]'
check "and names the secret" grep -q '"name":"acme"' /root/log
check "but not its value" eval '! journalctl | grep hunter2 | grep -v sandbox'
echo 'max_run = 1' >>$conf/dropstreamd.toml; systemctl start dropstreamd 2>/dev/null
check "wrong settings fail at once" until_is failed show ActiveState
check "without another try" until_is 0 show NRestarts
