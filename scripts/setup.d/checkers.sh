# shellcheck shell=bash
# Installs the checkers in Python (tests/deploy/requirements.txt) in an environment of their own.

python_environment checkers tests/deploy/requirements.txt
