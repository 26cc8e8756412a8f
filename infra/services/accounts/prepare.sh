#!/usr/bin/env bash
# Brings the accounts service's database to its version and makes its first administrator. Run again, it finds all done.
set -euo pipefail
"$MARQUEE_ACCOUNTS_PYTHON" -m serving.accounts migrate
"$MARQUEE_ACCOUNTS_PYTHON" -m serving.accounts create-admin --name "$MARQUEE_ACCOUNTS_ADMIN_USER" \
  --password-variable MARQUEE_ACCOUNTS_ADMIN_PASSWORD
