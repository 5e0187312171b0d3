import type { ReadyReason } from '../../functions/website/reasons.ts';

/** What docs/status.md says of a reason, without its links. A test compares them. */
export interface Advice {
  readonly means: string;
  /** Empty if there is nothing to do. */
  readonly toDo: string;
}

export const ADVICE: Readonly<Record<ReadyReason, Advice>> = {
  Available: {
    means: 'all replicas run the image that the spec names',
    toDo: '',
  },
  Parked: {
    means: 'replicas is 0, and nothing runs',
    toDo: '',
  },
  Suspended: {
    means:
      'suspend is set: the children are left as they are. True while they are as declared and available, Unknown otherwise; the message names the difference',
    toDo: 'unset it to go on',
  },
  Progressing: {
    means: 'a rollout is on its way. After some seconds the message also says why its Pods are not ready',
    toDo: 'wait, or mend what the message names',
  },
  Paused: {
    means: 'somebody paused the Deployment, so the new spec is not rolled out',
    toDo: 'kubectl rollout resume deployment/shop-deployment',
  },
  ReplicaFailure: {
    means: 'the Deployment cannot make Pods: a quota, a policy, a ServiceAccount',
    toDo: "the message is the Deployment's; it goes on by itself",
  },
  NotRouted: {
    means:
      "the Website has a Gateway that does not serve it. Reconciling: no controller has accepted the HTTPRoute yet. Stalled: the controller refuses it; the message is the route's own",
    toDo: 'see why a Gateway does not serve a site',
  },
  WaitingForDeletion: {
    means:
      'a child of this name is being deleted; the message names the finalizers that hold it. Or it is left from a deleted Website of this name and the cluster does not let the functions take it over (ADR 12). Stalled is only for the second',
    toDo: 'wait; if it is Stalled, delete the child or restart kube-controller-manager',
  },
  Overridden: {
    means:
      'a field that the spec states does not stay as written: an admission policy or webhook changes it each time. The message names the fields. The same write is not repeated, and the resync asks whether it would last now',
    toDo: 'change the spec to what the policy wants, or except the namespace from the policy',
  },
  ProgressDeadlineExceeded: {
    means:
      'the rollout has not moved for as long as the Deployment allows, 10 minutes: most likely an image that cannot be pulled, or Pods that are never ready. The message names the image, how many of the old Pods still serve, and why the new ones are not ready',
    toDo: 'mend what the message names; kubectl describe pods -l app=shop',
  },
  NameConflict: {
    means:
      'objects of the names that the children need exist and do not belong to this Website. They are not touched; the message names all of them',
    toDo: 'delete or rename them, or make this Website their owner',
  },
  ImmutableSelector: {
    means: 'the Deployment selects other Pods than it should, and that cannot be changed',
    toDo: 'delete it to have it recreated',
  },
  Forbidden: {
    means: 'the functions have lacked a right on a child for over a minute; the message names it',
    toDo: 'grant it: the rights that ship. With OwnerReferencesPermissionEnforcement, the message may ask for delete',
  },
  Rejected: {
    means:
      'the API server refuses a child for good: the spec leads to something invalid, or a policy of the cluster forbids it',
    toDo: "the message is the API server's; change the spec, or ask the owner of the policy to change it. It is tried again after 30 seconds, and then less and less often, up to every 10 minutes",
  },
  QuotaExceeded: {
    means: 'a ResourceQuota leaves no room for a child',
    toDo: 'make room. It is tried again as for Rejected',
  },
  MissingApi: {
    means: 'the spec needs an API that this cluster does not have. The message names it and says what to install',
    toDo: 'install it. The forwarder notices it within a minute. Without our forwarder, it is tried again as for Rejected',
  },
  TooLarge: {
    means:
      "a child, or this Website's own status, does not fit into what the API server stores as one object (1.5 MiB). Where not even a short status fits, only the Kubernetes Event says so",
    toDo: 'make spec.env, the labels or the annotations smaller',
  },
  InvalidSpec: {
    means:
      'the spec says something that its schema does not allow; an older CRD let it in. Or it names a Gateway that the operator does not allow (ONLY_DEFAULT_GATEWAY). The children stay as they are',
    toDo: 'change the field that the message names',
  },
};
