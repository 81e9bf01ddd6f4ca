# shellcheck shell=bash
# Installs the SCIM clients that others wrote: scim2-cli with scim2-tester (tests/clients/scim-requirements.txt), and the jars of
# UnboundID's SDK (tests/clients/scim-sdk/pom.xml).

SCIM_SDK_VERSION=$(sed -n '/<artifactId>scim2-sdk-client/,/<version>/s/.*<version>\(.*\)<.*/\1/p' tests/clients/scim-sdk/pom.xml)

fetch_scim_sdk() {
    java_usable && maven_jars tests/clients/scim-sdk/pom.xml "$(tools_folder)/scim-sdk-$SCIM_SDK_VERSION"
}

python_environment "scim2-cli-$(pinned scim2-cli tests/clients/scim-requirements.txt)" tests/clients/scim-requirements.txt
fetch_scim_sdk || missing "UnboundID's SCIM SDK (Java 17 and its jars)" "sudo apt-get update && sudo apt-get install openjdk-17-jre-headless maven"
say "setup: UnboundID's SCIM SDK $SCIM_SDK_VERSION"
