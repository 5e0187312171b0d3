// What a control plane can take: the three writes for each Website, so many Websites at a time, and no controller.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"example.com/website-rivals/website"
)

type generator struct {
	children *kubernetes.Clientset
	websites dynamic.NamespaceableResourceInterface
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	concurrency := flag.Int("concurrency", 32, "Websites at a time")
	create := flag.Int("create", 0, "make so many Websites as well; otherwise those that are there are taken")
	namespace := flag.String("namespace", "default", "of the Websites that are made")
	flag.Parse()
	load, err := newGenerator()
	if err != nil {
		return err
	}
	var work []func() error
	if *create > 0 {
		for i := range *create {
			work = append(work, func() error { return load.makeAll(ctx, *namespace, fmt.Sprintf("ceiling-%d", i)) })
		}
	} else {
		list, err := load.websites.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			work = append(work, func() error { return load.makeChildren(ctx, &list.Items[i]) })
		}
	}
	return print(inParallel(work, *concurrency))
}

func newGenerator() (generator, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return generator{}, err
	}
	config.QPS = -1 // no limit
	children, err := kubernetes.NewForConfig(protobuf(config))
	if err != nil {
		return generator{}, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return generator{}, err
	}
	return generator{children, client.Resource(website.GroupVersion.WithResource("websites"))}, nil
}

func protobuf(config *rest.Config) *rest.Config {
	own := rest.CopyConfig(config)
	own.ContentType = runtime.ContentTypeProtobuf
	return own
}

func (g generator) makeAll(ctx context.Context, namespace, name string) error {
	made, err := g.websites.Namespace(namespace).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": website.GroupVersion.String(), "kind": "Website",
		"metadata": map[string]any{"name": name},
		"spec":     map[string]any{"image": "nginx:1.29", "replicas": int64(2)},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return g.makeChildren(ctx, made)
}

// makeChildren makes them side by side, and then writes the status.
func (g generator) makeChildren(ctx context.Context, object *unstructured.Unstructured) error {
	var site website.Website
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &site); err != nil {
		return err
	}
	deployed := make(chan error, 1)
	go func() {
		_, err := g.children.AppsV1().Deployments(site.Namespace).Create(ctx, typed[appsv1.Deployment](site.Deployment()), metav1.CreateOptions{})
		deployed <- err
	}()
	_, err := g.children.CoreV1().Services(site.Namespace).Create(ctx, typed[corev1.Service](site.Service()), metav1.CreateOptions{})
	if failed := <-deployed; failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	condition := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Progressing", LastTransitionTime: metav1.Now()}
	status := website.Status{ObservedGeneration: site.Generation, Conditions: []metav1.Condition{condition}}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = g.websites.Namespace(site.Namespace).Patch(ctx, site.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// typed is what a configuration to apply describes.
func typed[T any](configuration any) *T {
	text, err := json.Marshal(configuration)
	if err != nil {
		panic(err)
	}
	var object T
	if err := json.Unmarshal(text, &object); err != nil {
		panic(err)
	}
	return &object
}

type result struct {
	Websites  int     `json:"websites"`
	Failed    int     `json:"failed"`
	PerSecond float64 `json:"perSecond"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
}

func inParallel(work []func() error, concurrency int) result {
	took := make([]float64, len(work))
	failed := 0
	next := make(chan int)
	var mutex sync.Mutex
	var group sync.WaitGroup
	start := time.Now()
	for range concurrency {
		group.Go(func() {
			for i := range next {
				begin := time.Now()
				err := work[i]()
				mutex.Lock()
				took[i] = float64(time.Since(begin).Microseconds()) / 1000
				if err != nil {
					failed++
					fmt.Fprintln(os.Stderr, err)
				}
				mutex.Unlock()
			}
		})
	}
	for i := range work {
		next <- i
	}
	close(next)
	group.Wait()
	seconds := time.Since(start).Seconds()
	slices.Sort(took)
	at := func(share float64) float64 { return took[int(share*float64(len(took)-1))] }
	return result{len(work), failed, float64(len(work)-failed) / seconds, at(0.5), at(0.99)}
}

func print(r result) error { return json.NewEncoder(os.Stdout).Encode(r) }
