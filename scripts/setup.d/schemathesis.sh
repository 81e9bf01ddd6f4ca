# shellcheck shell=bash
# Installs Schemathesis, which makes requests from the OpenAPI documents (tests/system/requirements.txt), in an environment of
# its own.

setup_schemathesis() {
    local folder version wanted=tests/system/requirements.txt
    version=$(sed -n 's/^schemathesis==//p' "$wanted")
    folder=$(tools_folder)/schemathesis-$version
    if cmp -s "$folder/requirements.txt" "$wanted"; then
        say "setup: Schemathesis $version"
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

setup_schemathesis
