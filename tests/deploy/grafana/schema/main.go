// Reads dashboards strictly, as the types say that Grafana itself generates from its schemas: an unknown or missing
// field is an error, in the dashboard, in the options of each kind of panel and in each query.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	failed := false
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		if err == nil {
			board := dashboard.Dashboard{}
			if err = board.UnmarshalJSONStrict(text); err == nil {
				err = board.Validate()
			}
		}
		if err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			continue
		}
		fmt.Printf("%s: fits\n", path)
	}
	if failed {
		os.Exit(1)
	}
}
