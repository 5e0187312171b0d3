// A Website operator as kube-rs's users write it: it watches what it owns, reads from its stores, applies what differs, and
// patches the status. `website-kube-rs N` works on N Websites at once.
use futures::StreamExt;
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Service},
    jiff::Timestamp,
};
use kube::{
    Api, Client, CustomResource, Error, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{
        Controller, WatchStreamExt,
        controller::{Action, Config},
        predicates,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{fmt::Debug, sync::Arc, time::Duration};

const MANAGER: &str = "website-kube-rs";

#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[kube(group = "stable.example.com", version = "v1", kind = "Website", namespaced, status = "WebsiteStatus")]
struct WebsiteSpec {
    image: String,
    replicas: i32,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", default)]
struct WebsiteStatus {
    observed_generation: i64,
    deployment_name: String,
    ready_replicas: i32,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    r#type: String,
    status: String,
    reason: String,
    message: String,
    observed_generation: i64,
    last_transition_time: String,
}

struct Context {
    client: Client,
    deployments: Store<Deployment>,
    services: Store<Service>,
}

async fn reconcile(site: Arc<Website>, context: Arc<Context>) -> Result<Action, Error> {
    if site.meta().deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let (name, namespace) = (site.name_any(), site.namespace().unwrap_or_default());
    let (deployment_name, service_name) = (format!("{name}-deployment"), format!("{name}-service"));
    let labels = json!({ "app": name });
    let owners = json!([site.controller_owner_ref(&())]);

    let deployment = context.deployments.get(&ObjectRef::new(&deployment_name).within(&namespace));
    if !deployment.as_deref().is_some_and(|have| is_desired(have, &site)) {
        let container = json!({ "name": "webserver", "image": site.spec.image, "ports": [{ "name": "http", "containerPort": 80 }] });
        let body = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": deployment_name, "labels": labels, "ownerReferences": owners },
            "spec": {
                "replicas": site.spec.replicas, "selector": { "matchLabels": labels },
                "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
            },
        });
        apply::<Deployment>(&context.client, &namespace, &deployment_name, body).await?;
    }
    let service = context.services.get(&ObjectRef::new(&service_name).within(&namespace));
    if !service.as_deref().is_some_and(|have| is_desired_service(have, &site)) {
        let body = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": service_name, "labels": labels, "ownerReferences": owners },
            "spec": { "selector": labels, "ports": [{ "name": "http", "port": 80, "targetPort": "http" }] },
        });
        apply::<Service>(&context.client, &namespace, &service_name, body).await?;
    }

    let ready = deployment.and_then(|have| have.status.as_ref()?.ready_replicas).unwrap_or(0);
    let status = status_of(&site, deployment_name, ready);
    if site.status.as_ref() != Some(&status) {
        let websites: Api<Website> = Api::namespaced(context.client.clone(), &namespace);
        let patch = Patch::Merge(json!({ "status": status }));
        match websites.patch_status(&name, &PatchParams::default(), &patch).await {
            Err(Error::Api(answer)) if answer.code == 404 => {}
            answer => drop(answer?),
        }
    }
    Ok(Action::await_change())
}

async fn apply<K>(client: &Client, namespace: &str, name: &str, body: Value) -> Result<K, Error>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    api.patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(body)).await
}

fn is_ours(have: &impl ResourceExt, site: &Website) -> bool {
    let uid = site.uid().unwrap_or_default();
    have.labels().get("app") == Some(&site.name_any()) && have.owner_references().iter().any(|owner| owner.uid == uid)
}

fn is_desired(have: &Deployment, site: &Website) -> bool {
    let containers = have.spec.template.spec.as_ref().map(|pod| pod.containers.as_slice()).unwrap_or_default();
    is_ours(have, site)
        && have.spec.replicas == Some(site.spec.replicas)
        && matches!(containers, [only] if only.image.as_ref() == Some(&site.spec.image))
}

fn is_desired_service(have: &Service, site: &Website) -> bool {
    let ports = have.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    is_ours(have, site) && matches!(ports, [only] if only.port == 80)
}

fn status_of(site: &Website, deployment_name: String, ready_replicas: i32) -> WebsiteStatus {
    let observed_generation = site.meta().generation.unwrap_or_default();
    let (status, reason) = if ready_replicas == site.spec.replicas { ("True", "Available") } else { ("False", "Progressing") };
    let before = site.status.iter().flat_map(|status| &status.conditions).find(|each| each.r#type == "Ready");
    let last_transition_time = match before {
        Some(condition) if condition.status == status => condition.last_transition_time.clone(),
        _ => Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    let condition = Condition {
        r#type: "Ready".into(),
        status: status.into(),
        reason: reason.into(),
        message: String::new(),
        observed_generation,
        last_transition_time,
    };
    WebsiteStatus { observed_generation, deployment_name, ready_replicas, conditions: vec![condition] }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let concurrency = std::env::args().nth(1).unwrap_or("0".into()).parse()?;
    let client = Client::try_default().await?;
    let everything = watcher::Config::default();

    let (websites, writer) = reflector::store();
    let changed = watcher(Api::<Website>::all(client.clone()), everything.clone())
        .default_backoff()
        .reflect(writer)
        .applied_objects()
        .predicate_filter(predicates::generation, Default::default());
    let (deployments, writer) = reflector::store();
    let deployed = watcher(Api::<Deployment>::all(client.clone()), everything.clone())
        .default_backoff()
        .reflect(writer)
        .touched_objects();
    let (services, writer) = reflector::store();
    let served = watcher(Api::<Service>::all(client.clone()), everything).default_backoff().reflect(writer).touched_objects();

    Controller::for_stream(changed, websites)
        .with_config(Config::default().concurrency(concurrency))
        .owns_stream(deployed)
        .owns_stream(served)
        .shutdown_on_signal()
        .run(
            reconcile,
            |_, error, _| {
                eprintln!("{error}");
                Action::requeue(Duration::from_secs(1))
            },
            Arc::new(Context { client, deployments, services }),
        )
        .for_each(|_| async {})
        .await;
    Ok(())
}
