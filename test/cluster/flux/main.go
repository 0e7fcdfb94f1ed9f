// Command flux-apply does with manifests what Flux's kustomize-controller does with them: it applies them through
// Flux's own engine, twice, and then looks for drift. It prints one JSON line for each object and step.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	ssautils "github.com/fluxcd/pkg/ssa/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

type line struct {
	Step    string `json:"step"`
	Subject string `json:"subject"`
	Action  string `json:"action"`
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "file with access to the cluster")
	namespace := flag.String("namespace", "default", "namespace of objects that name none")
	flag.Parse()
	if err := run(*kubeconfig, *namespace); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig, namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	kube, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	poller := polling.NewStatusPoller(kube, kube.RESTMapper(), polling.Options{})
	owner := ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"}
	manager := ssa.NewResourceManager(kube, poller, owner)
	objects, err := ssautils.ReadObjects(os.Stdin)
	if err != nil {
		return err
	}
	if err := normalize.UnstructuredList(objects); err != nil {
		return err
	}
	for _, object := range objects {
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
	}
	out := json.NewEncoder(os.Stdout)
	for _, step := range []string{"first", "second"} {
		if err := apply(ctx, manager, objects, step, out); err != nil {
			return err
		}
	}
	return drift(ctx, manager, objects, out)
}

func apply(ctx context.Context, manager *ssa.ResourceManager, objects []*unstructured.Unstructured, step string, out *json.Encoder) error {
	changes, err := manager.ApplyAll(ctx, objects, ssa.DefaultApplyOptions())
	if err != nil {
		return err
	}
	for _, entry := range changes.Entries {
		if err := out.Encode(line{step, entry.Subject, string(entry.Action)}); err != nil {
			return err
		}
	}
	return nil
}

func drift(ctx context.Context, manager *ssa.ResourceManager, objects []*unstructured.Unstructured, out *json.Encoder) error {
	for _, object := range objects {
		entry, _, _, err := manager.Diff(ctx, object, ssa.DefaultDiffOptions())
		if err != nil {
			return err
		}
		if err := out.Encode(line{"drift", entry.Subject, string(entry.Action)}); err != nil {
			return err
		}
	}
	return nil
}
