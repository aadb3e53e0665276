#!/bin/sh
# The image's commands: api, worker, beat, migrate; anything else is a command of the command line.
# `exec` throughout: the process gets the signals itself and ends gracefully.
set -eu

case ${1:-api} in
    api)
        # The settings of the embedded service (rubi/embedded/serve_api.py), behind a proxy that FORWARDED_ALLOW_IPS names.
        exec uvicorn main:app --app-dir "$(dirname "$0")/../python-api" --host "${API_HOST:-0.0.0.0}" --port "${API_PORT:-8000}" \
            --http rubi.api.http_protocol:HttpProtocol --no-access-log --no-server-header --ws-per-message-deflate false --ws-max-size 65536 \
            --timeout-graceful-shutdown 20
        ;;
    worker)
        exec celery -A rubi.tasks.worker:app worker --pool threads --concurrency "${WORKER_THREADS:-8}" \
            --without-gossip --without-mingle --without-heartbeat --loglevel "${LOG_LEVEL:-INFO}"
        ;;
    beat)
        exec celery -A rubi.tasks.worker:app beat --pidfile= --loglevel "${LOG_LEVEL:-INFO}"
        ;;
    alive)
        # For probes of worker and beat: the heartbeat file is younger than half a minute.
        test -n "$(find "${HEARTBEAT_FILE:?}" -newermt '-30 seconds' 2>/dev/null)"
        ;;
    *)
        exec python3 -m rubi "$@"
        ;;
esac
