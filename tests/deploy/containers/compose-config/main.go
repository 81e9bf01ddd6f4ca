// Reads a compose file with the library of Docker Compose and prints the resolved project as JSON.
//
//	compose-config FILE [--env-file FILE]... [--profile NAME]...
//
// Whatever `docker compose config` refuses is refused here: unknown keys, wrong types, variables that are not there,
// dependencies, networks, volumes, secrets and configs that nobody declares.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "compose-config:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	var files, envFiles, profiles []string
	for len(arguments) > 0 {
		first := arguments[0]
		if first != "--env-file" && first != "--profile" {
			files = append(files, first)
			arguments = arguments[1:]
			continue
		}
		if len(arguments) < 2 {
			return errors.New(first + " needs a value")
		}
		if first == "--env-file" {
			envFiles = append(envFiles, arguments[1])
		} else {
			profiles = append(profiles, arguments[1])
		}
		arguments = arguments[2:]
	}
	// In the order of docker compose itself: the profiles may stand in a file of variables.
	options, err := cli.NewProjectOptions(files,
		cli.WithOsEnv,
		cli.WithEnvFiles(envFiles...),
		cli.WithDotEnv,
		cli.WithDefaultProfiles(profiles...),
	)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	project, err = project.WithServicesEnvironmentResolved(true)
	if err != nil {
		return err
	}
	if err := project.CheckContainerNameUnicity(); err != nil {
		return err
	}
	json, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(json)
	return err
}
