# shellcheck shell=bash
# Installs the OpenID Connect clients that others wrote, but for those of Node.js: Authlib (tests/clients/authlib), go-oidc in the
# program that uses it (tests/clients/go-oidc), openidconnect likewise (tests/clients/openidconnect), and the jars of the SDK of Nimbus
# (tests/clients/nimbus/pom.xml).

# The sources of the program are a part of its folder's name, by which the test finds it.
setup_go_oidc() {
    local sources=tests/clients/go-oidc place
    place=$(tools_folder)/go-oidc-$(digest_of $sources/go.mod $sources/go.sum $sources/*.go)
    go_program "$place" "$sources" go-oidc || missing "go-oidc" "cd $sources && go build"
    say "setup: go-oidc ($sources)"
}

# What it depends on is compiled in a folder of its own and stays there: a change of the program compiles the program alone.
setup_openidconnect() {
    local sources=tests/clients/openidconnect program=openidconnect-client build place
    build=$(tools_folder)/openidconnect-build
    place=$(tools_folder)/openidconnect-$(cat $sources/Cargo.toml $sources/Cargo.lock $sources/src/*.rs | sha256sum | cut -c 1-12)
    if [ ! -x "$place/$program" ]; then
        say "setup: openidconnect ($sources), which takes a minute or two at first"
        { cargo build --quiet --locked --manifest-path $sources/Cargo.toml --target-dir "$build" &&
            mkdir -p "$place.$$" && cp "$build/debug/$program" "$place.$$/"; } >&2 ||
            missing "openidconnect" "cd $sources && cargo build --locked"
        move_in_place "$place.$$" "$place"
    fi
    say "setup: openidconnect ($sources)"
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
setup_openidconnect
setup_nimbus
