# shellcheck shell=bash
# Installs the OpenID Connect clients that others wrote, but for those of Node.js: Authlib (tests/clients/authlib), go-oidc in the
# program that uses it (tests/clients/go-oidc), and the jars of the SDK of Nimbus (tests/clients/nimbus/pom.xml).

# The sources of the program are a part of its folder's name, by which the test finds it.
setup_go_oidc() {
    local sources=tests/clients/go-oidc place
    place=$(tools_folder)/go-oidc-$(cat $sources/go.mod $sources/go.sum $sources/*.go | sha256sum | cut -c 1-12)
    go_usable || missing "Go 1.21 or newer" "sudo apt-get install golang-go"
    go_program "$place" "$sources" go-oidc || missing "go-oidc" "cd $sources && go build"
    say "setup: go-oidc ($sources)"
}

setup_nimbus() {
    local version
    version=$(sed -n '/<artifactId>oauth2-oidc-sdk/,/<version>/s/.*<version>\(.*\)<.*/\1/p' tests/clients/nimbus/pom.xml)
    { java_usable && maven_jars tests/clients/nimbus/pom.xml "$(tools_folder)/nimbus-$version"; } ||
        missing "the SDK of Nimbus (Java 17 and its jars)" "sudo apt-get update && sudo apt-get install openjdk-17-jre-headless maven"
    say "setup: the SDK of Nimbus $version"
}

python_environment "authlib-$(pinned Authlib tests/clients/authlib/requirements.txt)" tests/clients/authlib/requirements.txt
setup_go_oidc
setup_nimbus
