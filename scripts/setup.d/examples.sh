# shellcheck shell=bash
# Installs what the applications of examples/ need, by the commands of their READMEs; tests/system/examples.rs starts them.

# Installs the tool $1 with which an example is installed, and all but Go also run.
install_tool() {
    case $1 in
    python)
        have python3 || apt_install python3 || missing "Python 3" "sudo apt-get install python3 python3-venv"
        python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv || missing "Python's venv" "sudo apt-get install python3-venv"
        ;;
    node)
        { have node && have npm; } || apt_install nodejs npm || missing "Node.js with npm" "sudo apt-get install nodejs npm"
        ;;
    go)
        go_usable || missing "Go 1.21 or newer" "sudo apt-get install golang-go"
        ;;
    java)
        { java_17_compiler || apt_install openjdk-17-jdk-headless || apt_install default-jdk-headless; } && { have mvn || apt_install maven; } ||
            missing "Java 17 with its compiler, and Maven" "sudo apt-get update && sudo apt-get install openjdk-17-jdk-headless maven"
        ;;
    *) die "examples: no such tool: $1" ;;
    esac
}

# Runs the installation of the example $1, which needs the tool $2, in a copy of the files that it reads, which are the further
# arguments. The command and these files are a part of the folder's name, by which the test finds it.
install_example() {
    local name=$1 tool=$2 sources=examples/$1 command place
    shift 2
    command=$(sed -n "s|^\$ cd $sources && ||p" "$sources/README.md")
    place=$(tools_folder)/$name-$(cd "$sources" && printf '%s\n' "$command" | digest_of - "$@")
    # A program of Go runs without it.
    [ "$tool" = go ] && [ -d "$place" ] || install_tool "$tool"
    if [ ! -d "$place" ]; then
        rm -rf "$place.$$"
        mkdir -p "$place.$$"
        (cd "$sources" && cp "$@" "$place.$$")
        (cd "$place.$$" && bash -euc "$command") >"$place.$$/installation.log" 2>&1 ||
            { tail -n 20 "$place.$$/installation.log" >&2 && missing "what $sources needs" "cd $sources && $command"; }
        move_in_place "$place.$$" "$place"
    fi
    say "setup: $sources"
}

install_example api-python python requirements.txt
install_example web-python python requirements.txt
install_example web-node node .npmrc package-lock.json package.json
install_example web-go go go.mod go.sum main.go
install_example web-java java pom.xml
