// Command podsecurity asks the code of Kubernetes' own admission whether pods fit the restricted profile.
//
// It reads manifests (YAML documents) from standard input, looks at every pod and pod template in them, and prints one
// line for each refusal. Exit code 1: somebody was refused. Exit code 2: there was nothing to look at, or no YAML.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

func main() {
	refused, seen, err := look(os.Stdin)
	if err == nil && seen == 0 {
		err = errors.New("no pod in the manifests")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, line := range refused {
		fmt.Println(line)
	}
	if len(refused) > 0 {
		os.Exit(1)
	}
	fmt.Printf("%d pods fit the restricted profile\n", seen)
}

func look(input io.Reader) (refused []string, seen int, err error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, 0, err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(input))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return refused, seen, nil
		}
		if err != nil {
			return nil, 0, err
		}
		name, meta, spec, err := pod(document)
		if err != nil {
			return nil, 0, err
		}
		if spec == nil {
			continue
		}
		seen++
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, meta, spec))
		if !result.Allowed {
			refused = append(refused, name+": "+result.ForbiddenDetail())
		}
	}
}

// pod finds the pod of a manifest; none for kinds that have none.
func pod(document []byte) (string, *metav1.ObjectMeta, *corev1.PodSpec, error) {
	var kind metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return "", nil, nil, err
	}
	name := kind.Kind + "/" + kind.Name
	template := func(t *corev1.PodTemplateSpec) (string, *metav1.ObjectMeta, *corev1.PodSpec, error) {
		return name, &t.ObjectMeta, &t.Spec, nil
	}
	switch kind.Kind {
	case "Pod":
		var it corev1.Pod
		err := yaml.UnmarshalStrict(document, &it)
		return name, &it.ObjectMeta, &it.Spec, err
	case "Deployment":
		var it appsv1.Deployment
		if err := yaml.UnmarshalStrict(document, &it); err != nil {
			return "", nil, nil, err
		}
		return template(&it.Spec.Template)
	case "Job":
		var it batchv1.Job
		if err := yaml.UnmarshalStrict(document, &it); err != nil {
			return "", nil, nil, err
		}
		return template(&it.Spec.Template)
	}
	return name, nil, nil, nil
}
