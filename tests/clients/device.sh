#!/usr/bin/env bash
# Signs a device in with curl (RFC 8628): asks for codes, tells the person where to go, waits for their answer, and reads userinfo.
#
# Takes ISSUER and CLIENT_ID from the environment. The address for the person goes to stderr, userinfo to stdout.
set -euo pipefail

# The value of one member of a flat JSON object.
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

codes=$(curl -sS "$ISSUER/oauth2/device_authorization" -d client_id="$CLIENT_ID" -d scope="openid profile")
echo "Open $(member verification_uri <<<"$codes") and type $(member user_code <<<"$codes") in, or open:" >&2
member verification_uri_complete <<<"$codes" >&2

interval=$(member interval <<<"$codes")
while :; do
    sleep "$interval"
    answer=$(curl -sS "$ISSUER/oauth2/token" -d client_id="$CLIENT_ID" \
        -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d device_code="$(member device_code <<<"$codes")")
    case "$(member error <<<"$answer")" in
        "") break ;;
        authorization_pending) ;;
        slow_down) interval=$((interval + 5)) ;;
        *)
            echo "$answer" >&2
            exit 1
            ;;
    esac
done
curl -sS "$ISSUER/oauth2/userinfo" -H "Authorization: Bearer $(member access_token <<<"$answer")"
