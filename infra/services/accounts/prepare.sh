#!/usr/bin/env bash
# prepare.sh: migrate the accounts service's database, create the first administrator, and register the platform's own client.
# Repeated runs change nothing.
set -euo pipefail
"$MARQUEE_ACCOUNTS_PYTHON" -m serving.accounts migrate
"$MARQUEE_ACCOUNTS_PYTHON" -m serving.accounts create-admin --name "$MARQUEE_ACCOUNTS_ADMIN_USER" \
  --password-variable MARQUEE_ACCOUNTS_ADMIN_PASSWORD
# With it the reviews service asks which accounts there are, and deletes what belonged to those that are gone.
"$MARQUEE_ACCOUNTS_PYTHON" -m serving.accounts create-client --id "$MARQUEE_REVIEWS_CLIENT_ID" --scope users:read \
  --secret-variable MARQUEE_REVIEWS_CLIENT_SECRET
