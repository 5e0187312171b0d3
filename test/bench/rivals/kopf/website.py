"""A Website operator as Kopf's users write it: a handler for what is made or changed, and children with an owner."""

import datetime

import kopf
import kubernetes

try:
    kubernetes.config.load_incluster_config()
except kubernetes.config.ConfigException:
    kubernetes.config.load_kube_config()


def children(name, spec):
    labels = {"app": name}
    container = {"name": "webserver", "image": spec["image"], "ports": [{"name": "http", "containerPort": 80}]}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-deployment", "labels": labels},
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{name}-service", "labels": labels},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }
    kopf.adopt([deployment, service])
    return deployment, service


def create_or_patch(create, patch, namespace, body):
    try:
        create(namespace, body)
    except kubernetes.client.ApiException as error:
        if error.status != 409:
            raise
        patch(body["metadata"]["name"], namespace, body)


@kopf.on.create("stable.example.com", "v1", "websites")
@kopf.on.update("stable.example.com", "v1", "websites", field="spec")
def reconcile(name, namespace, spec, meta, patch, **_):
    deployment, service = children(name, spec)
    apps, core = kubernetes.client.AppsV1Api(), kubernetes.client.CoreV1Api()
    create_or_patch(apps.create_namespaced_deployment, apps.patch_namespaced_deployment, namespace, deployment)
    create_or_patch(core.create_namespaced_service, core.patch_namespaced_service, namespace, service)
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch.status["observedGeneration"] = meta["generation"]
    patch.status["conditions"] = [
        {
            "type": "Ready",
            "status": "False",
            "reason": "Progressing",
            "message": "",
            "observedGeneration": meta["generation"],
            "lastTransitionTime": now,
        }
    ]
