// A Website operator as controller-runtime's users write it: it watches what it owns, reads from its cache, applies what differs,
// and patches the status.
package main

import (
	"context"
	"encoding/json"
	"flag"

	"go.uber.org/zap/zapcore"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubernetes "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"example.com/website-rivals/website"
)

const manager = "website-controller-runtime"

type reconciler struct{ client.Client }

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var site website.Website
	if err := r.Get(ctx, request.NamespacedName, &site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if site.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	var deployment appsv1.Deployment
	if missing, err := r.missing(ctx, request, "-deployment", &deployment); err != nil {
		return ctrl.Result{}, err
	} else if missing || !isDesired(&deployment, &site) {
		if err := r.Apply(ctx, site.Deployment(), client.FieldOwner(manager), client.ForceOwnership); err != nil {
			return ctrl.Result{}, err
		}
	}
	var service corev1.Service
	if missing, err := r.missing(ctx, request, "-service", &service); err != nil {
		return ctrl.Result{}, err
	} else if missing || !isDesiredService(&service, &site) {
		if err := r.Apply(ctx, site.Service(), client.FieldOwner(manager), client.ForceOwnership); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.writeStatus(ctx, &site, deployment.Status.ReadyReplicas)
}

func (r *reconciler) missing(ctx context.Context, request ctrl.Request, suffix string, into client.Object) (bool, error) {
	err := r.Get(ctx, types.NamespacedName{Namespace: request.Namespace, Name: request.Name + suffix}, into)
	return err != nil, client.IgnoreNotFound(err)
}

func (r *reconciler) writeStatus(ctx context.Context, site *website.Website, ready int32) error {
	status := site.Status.DeepCopy()
	status.ObservedGeneration, status.ReadyReplicas = site.Generation, ready
	status.DeploymentName = site.Name + "-deployment"
	condition := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Progressing", ObservedGeneration: site.Generation}
	if ready == site.Spec.Replicas {
		condition.Status, condition.Reason = metav1.ConditionTrue, "Available"
	}
	meta.SetStatusCondition(&status.Conditions, condition)
	if equality.Semantic.DeepEqual(*status, site.Status) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	return client.IgnoreNotFound(r.Status().Patch(ctx, site, client.RawPatch(types.MergePatchType, patch)))
}

func isDesired(have *appsv1.Deployment, site *website.Website) bool {
	containers := have.Spec.Template.Spec.Containers
	return metav1.IsControlledBy(have, site) && have.Labels["app"] == site.Name &&
		have.Spec.Replicas != nil && *have.Spec.Replicas == site.Spec.Replicas &&
		len(containers) == 1 && containers[0].Image == site.Spec.Image
}

func isDesiredService(have *corev1.Service, site *website.Website) bool {
	return metav1.IsControlledBy(have, site) && have.Spec.Selector["app"] == site.Name &&
		len(have.Spec.Ports) == 1 && have.Spec.Ports[0].Port == 80
}

func main() {
	workers := flag.Int("workers", 1, "Websites that are worked on at once")
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.Level(zapcore.ErrorLevel)))
	if err := run(*workers); err != nil {
		panic(err)
	}
}

func run(workers int) error {
	scheme := runtime.NewScheme()
	if err := kubernetes.AddToScheme(scheme); err != nil {
		return err
	}
	scheme.AddKnownTypes(website.GroupVersion, &website.Website{}, &website.WebsiteList{})
	metav1.AddToGroupVersion(scheme, website.GroupVersion)
	options := ctrl.Options{Scheme: scheme, Metrics: metricsserver.Options{BindAddress: "0"}}
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), options)
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).
		For(&website.Website{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler{manager.GetClient()})
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
