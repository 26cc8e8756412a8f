#!/usr/bin/env bash
# prepare.sh: migrate the accounts service's database and create the first administrator. Repeated runs change nothing.
set -euo pipefail
"$MARQUEE_ACCOUNTS_PYTHON" -m serving.accounts migrate
"$MARQUEE_ACCOUNTS_PYTHON" -m serving.accounts create-admin --name "$MARQUEE_ACCOUNTS_ADMIN_USER" \
  --password-variable MARQUEE_ACCOUNTS_ADMIN_PASSWORD
