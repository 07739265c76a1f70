#!/usr/bin/env bash
# A tracking server on this machine: PostgreSQL and MLflow, both on 127.0.0.1, all data in FOLDER. Ctrl-C stops both.
# usage: scripts/start_tracking_server.sh FOLDER [PORT [POSTGRES_PORT]]    (docs/server.md)
set -euo pipefail
folder=$(realpath -m "${1:?a folder for the data is needed}") port=${2:-5000} pg_port=${3:-5433}

postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
postgres=${postgres:-$(dirname "$(command -v initdb || true)")}
[ -x "$postgres/initdb" ] || { echo "error: PostgreSQL's initdb was not found: apt-get install postgresql" >&2; exit 1; }
python -c "import psycopg2" 2>/dev/null || { echo "error: psycopg2 was not found: pip install 'deeprec[postgres]'" >&2; exit 1; }

# PostgreSQL refuses to run as root.
mkdir -p "$folder/artifacts" "$folder/postgres" "$folder/socket"
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
  chown postgres:postgres "$folder/postgres" "$folder/socket"
fi

# The password is made once, and stands in a file that its owner alone can read: not in an address, not on a command line.
export PGPASSFILE="$folder/pgpass"
umask 077
if [ ! -f "$PGPASSFILE" ]; then
  password=$(python -c "import secrets; print(secrets.token_hex(16))")
  echo "127.0.0.1:*:*:mlflow:$password" >"$PGPASSFILE"
fi
if [ ! -f "$folder/postgres/data/PG_VERSION" ]; then
  cut -d: -f5 "$PGPASSFILE" >"$folder/postgres/password"
  [ "$(id -u)" != 0 ] || chown postgres "$folder/postgres/password"
  as "$postgres/initdb" -D "$folder/postgres/data" -U mlflow --pwfile="$folder/postgres/password" --encoding=UTF8 \
    --locale=C.UTF-8 --auth-local=scram-sha-256 --auth-host=scram-sha-256 >/dev/null
  rm "$folder/postgres/password"
fi
control() { as "$postgres/pg_ctl" -s -w -D "$folder/postgres/data" -l "$folder/postgres/log" "$@"; }

server=
stop() {
  trap - EXIT INT TERM
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server"; } || true
  control -m fast stop || true
}
trap stop EXIT
trap 'exit 0' INT TERM

cd "$folder"
control -o "-c listen_addresses=127.0.0.1 -c port=$pg_port -c unix_socket_directories=$folder/socket -c max_connections=200" start
python - "$pg_port" <<'PYTHON'
import sys
import psycopg2

connection = psycopg2.connect(host="127.0.0.1", port=sys.argv[1], user="mlflow", dbname="postgres")
connection.autocommit = True
cursor = connection.cursor()
cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'mlflow'")
if cursor.fetchone() is None:
    cursor.execute("CREATE DATABASE mlflow")
PYTHON

# Artifacts go through the server, so that clients need no folder in common with it.
MLFLOW_BACKEND_STORE_URI="postgresql+psycopg2://mlflow@127.0.0.1:$pg_port/mlflow" \
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_DISABLE_TELEMETRY=true \
  python -m mlflow server --workers 2 --host 127.0.0.1 --port "$port" \
  --artifacts-destination "$folder/artifacts" --serve-artifacts >"$folder/mlflow.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  kill -0 "$server" 2>/dev/null || { echo "error: MLflow ended; see $folder/mlflow.log" >&2; exit 1; }
  python -c "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=2)" "http://127.0.0.1:$port/health" 2>/dev/null && break
  sleep 0.5
done
echo "MLflow: http://127.0.0.1:$port    data: $folder    Ctrl-C stops it"
wait "$server"
