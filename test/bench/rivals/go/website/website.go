// Package website holds what the programs here have in common: the resource, and the children of one.
package website

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"
)

var GroupVersion = schema.GroupVersion{Group: "stable.example.com", Version: "v1"}

type Spec struct {
	Image    string `json:"image"`
	Replicas int32  `json:"replicas"`
}

type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	DeploymentName     string             `json:"deploymentName,omitempty"`
	ReadyReplicas      int32              `json:"readyReplicas"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type Website struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec,omitempty"`
	Status            Status `json:"status,omitempty"`
}

type WebsiteList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Website `json:"items"`
}

func (in *Status) DeepCopy() *Status {
	out := *in
	out.Conditions = append([]metav1.Condition(nil), in.Conditions...)
	return &out
}

func (in *Website) DeepCopyObject() runtime.Object {
	out := *in
	out.ObjectMeta = *in.ObjectMeta.DeepCopy()
	out.Status = *in.Status.DeepCopy()
	return &out
}

func (in *WebsiteList) DeepCopyObject() runtime.Object {
	out := WebsiteList{TypeMeta: in.TypeMeta, ListMeta: *in.ListMeta.DeepCopy()}
	for i := range in.Items {
		out.Items = append(out.Items, *in.Items[i].DeepCopyObject().(*Website))
	}
	return &out
}

func (in *Website) labels() map[string]string { return map[string]string{"app": in.Name} }

func (in *Website) owner() *metaac.OwnerReferenceApplyConfiguration {
	return metaac.OwnerReference().WithAPIVersion(GroupVersion.String()).WithKind("Website").
		WithName(in.Name).WithUID(in.UID).WithController(true).WithBlockOwnerDeletion(true)
}

// Deployment that the Website should have.
func (in *Website) Deployment() *appsac.DeploymentApplyConfiguration {
	container := coreac.Container().WithName("webserver").WithImage(in.Spec.Image).
		WithPorts(coreac.ContainerPort().WithName("http").WithContainerPort(80))
	return appsac.Deployment(in.Name+"-deployment", in.Namespace).WithLabels(in.labels()).WithOwnerReferences(in.owner()).
		WithSpec(appsac.DeploymentSpec().WithReplicas(in.Spec.Replicas).
			WithSelector(metaac.LabelSelector().WithMatchLabels(in.labels())).
			WithTemplate(coreac.PodTemplateSpec().WithLabels(in.labels()).
				WithSpec(coreac.PodSpec().WithContainers(container))))
}

// Service that the Website should have.
func (in *Website) Service() *coreac.ServiceApplyConfiguration {
	port := coreac.ServicePort().WithName("http").WithPort(80).WithTargetPort(intstr.FromString("http"))
	return coreac.Service(in.Name+"-service", in.Namespace).WithLabels(in.labels()).WithOwnerReferences(in.owner()).
		WithSpec(coreac.ServiceSpec().WithSelector(in.labels()).WithPorts(port))
}
