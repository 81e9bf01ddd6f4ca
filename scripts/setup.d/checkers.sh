# shellcheck shell=bash
# Installs the checkers in Python (tests/deploy/requirements.txt) in an environment of their own.

setup_checkers() {
    local folder wanted=tests/deploy/requirements.txt
    folder=$(tools_folder)/checkers
    if cmp -s "$folder/requirements.txt" "$wanted"; then
        say "setup: the checkers of tests/deploy/requirements.txt"
        return 0
    fi
    say "setup: pip install -r $wanted"
    rm -rf "$folder"
    mkdir -p "${folder%/*}"
    python3 -m venv "$folder" || missing "Python's venv" "sudo apt-get install python3-venv"
    "$folder/bin/pip" install -q --disable-pip-version-check -r "$wanted" ||
        missing "a Python package of $wanted" "$folder/bin/pip install -r $wanted"
    # Last: an installation that broke off is done again.
    cp "$wanted" "$folder/requirements.txt"
}

setup_checkers
