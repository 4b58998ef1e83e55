#!/bin/sh
# Fill the address and the password in from the environment, then become Prometheus in agent mode.
set -eu
: "${REMOTE_WRITE_URL:?expected the address of the monitoring host}"
: "${REMOTE_WRITE_PASSWORD:?expected the password of the monitoring host}"
umask 077
printf '%s' "$REMOTE_WRITE_PASSWORD" > /tmp/remote_write_password
sed "s|@REMOTE_WRITE_URL@|$REMOTE_WRITE_URL|" /etc/prometheus/agent.yml > /tmp/agent.yml
exec /bin/prometheus --agent --config.file=/tmp/agent.yml --storage.agent.path=/tmp/agent
