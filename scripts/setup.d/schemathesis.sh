# shellcheck shell=bash
# Installs Schemathesis, which makes requests from the OpenAPI documents (tests/system/requirements.txt), in an environment of
# its own.

python_environment "schemathesis-$(pinned schemathesis tests/system/requirements.txt)" tests/system/requirements.txt
