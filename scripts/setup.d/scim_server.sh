# shellcheck shell=bash
# Installs scim2-server, the SCIM server of other authors that users and groups are pushed to
# (tests/system/provisioning/requirements.txt), in an environment of its own.

setup_scim_server() {
    local folder version wanted=tests/system/provisioning/requirements.txt
    version=$(sed -n 's/^scim2-server==//p' "$wanted")
    folder=$(tools_folder)/scim2-server-$version
    if cmp -s "$folder/requirements.txt" "$wanted"; then
        say "setup: scim2-server $version"
        return 0
    fi
    say "setup: pip install -r $wanted"
    rm -rf "$folder"
    mkdir -p "${folder%/*}"
    if ! python3 -m venv "$folder" >/dev/null 2>&1; then
        { apt_install python3-venv && rm -rf "$folder" && python3 -m venv "$folder"; } ||
            missing "Python's venv" "sudo apt-get install python3-venv"
    fi
    "$folder/bin/pip" install -q --disable-pip-version-check -r "$wanted" ||
        missing "a Python package of $wanted" "$folder/bin/pip install -r $wanted"
    # Last: an installation that broke off is done again.
    cp "$wanted" "$folder/requirements.txt"
}

setup_scim_server
