# shellcheck shell=bash
# Installs scim2-server, the SCIM server of other authors that users and groups are pushed to
# (tests/system/provisioning/requirements.txt), in an environment of its own.

wanted=tests/system/provisioning/requirements.txt
python_environment "scim2-server-$(pinned scim2-server "$wanted")" "$wanted"
