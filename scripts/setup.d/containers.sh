# shellcheck shell=bash
# Installs what builds and runs images: Docker or podman, the base images (pulled, or built here without a registry), and
# the program that reads the compose file as Docker Compose does.

# Whether the engine can pull images: a small one, and not for long.
registry_reached() { timeout 20 "$1" pull -q hello-world >/dev/null 2>&1; }

setup_engine() {
    container_engine >/dev/null || apt_install podman runc netavark aardvark-dns iptables ||
        missing "Docker or podman" "sudo apt-get install podman runc netavark aardvark-dns iptables"
    engine=$(container_engine)
    # What podman uses depends on the distribution; the tests say what they need.
    if [ "$engine" = podman ] && ! { have runc && [ -x /usr/lib/podman/netavark ] && [ -x /usr/lib/podman/aardvark-dns ] && have iptables; }; then
        apt_install runc netavark aardvark-dns iptables || missing "podman's runtime and networks" "sudo apt-get install runc netavark aardvark-dns iptables"
    fi
    say "setup: $("$engine" --version)"
}

setup_base_images() {
    local local=localhost/vestibule-local
    if "$engine" image inspect "$local/rust:$(rust_version)" "$local/postgres:$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-bookworm}")" >/dev/null 2>&1; then
        say "setup: base images made from this machine's packages"
    elif registry_reached "$engine"; then
        say "setup: base images from their registry"
    else
        have debootstrap || apt_install debootstrap || missing "debootstrap" "sudo apt-get install debootstrap"
        ENGINE=$engine scripts/build-base-images || missing "a base image (no registry is reached)" "scripts/build-base-images"
    fi
}

# Its sources are a part of its folder's name.
setup_compose_config() {
    local sources=tests/deploy/containers/compose-config place
    place=$(tools_folder)/compose-config-$(digest_of $sources/go.mod $sources/go.sum $sources/main.go)
    go_program "$place" "$sources" vestibule/compose-config || missing "the reader of compose files" "cd $sources && go build"
    ln -sfn "$place" "$(tools_folder)/compose-config"
    say "setup: the library of Docker Compose"
}

setup_engine
setup_base_images
setup_compose_config
