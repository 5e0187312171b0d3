{{- /* Prints an object; the accounts that it names are in this release. */}}
{{- define "website-reconciler.object" }}
{{- range .object.subjects }}
{{- $_ := set . "namespace" $.root.Release.Namespace }}
{{- end }}
---
{{ toYaml .object }}
{{ end }}

{{- /* A role or a binding for the whole cluster, or in each of the namespaces that are named; then people's roles are none of our business. */}}
{{- define "website-reconciler.cluster" }}
{{- $name := .object.metadata.name }}
{{- if empty .root.Values.namespaces }}
{{- include "website-reconciler.object" . }}
{{- else if not (hasPrefix "websites-" $name) }}
{{- range $namespace := .root.Values.namespaces }}
{{- $object := deepCopy $.object }}
{{- $_ := set $object "kind" (trimPrefix "Cluster" $object.kind) }}
{{- $_ := set $object.metadata "namespace" $namespace }}
{{- if $object.roleRef }}
{{- $_ := set $object.roleRef "kind" "Role" }}
{{- end }}
{{- include "website-reconciler.object" (dict "object" $object "root" $.root) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The fence around the functions of this release: their account, and the users that the values add. */}}
{{- define "website-reconciler.fence" }}
{{- $namespace := .root.Release.Namespace }}
{{- $name := printf "website-functions.%s" $namespace }}
{{- $_ := set .object.metadata "name" $name }}
{{- with .object.spec.matchConditions }}
{{- $users := prepend $.root.Values.fence.users (printf "system:serviceaccount:%s:website-functions" $namespace) }}
{{- $_ := set (first .) "expression" (printf "request.userInfo.username in %s" (toJson $users)) }}
{{- else }}
{{- $_ := set .object.spec "policyName" $name }}
{{- end }}
{{- include "website-reconciler.object" . }}
{{- end }}

{{- /* Puts the values into a PodSpec. */}}
{{- define "website-reconciler.pod" }}
{{- $env := deepCopy (default dict .values.env) }}
{{- if not .root.Values.functions.enabled }}
{{- if not (hasKey $env "MODE") }}
{{- $_ := set $env "MODE" nil }}
{{- end }}
{{- $_ := required "forwarder.env.SINK has to say where the functions are, since functions.enabled is false" $env.SINK }}
{{- if not (hasKey $env "SINK_TOKEN_FILE") }}
{{- $_ := set $env "SINK_TOKEN_FILE" nil }}
{{- include "website-reconciler.withoutFunctionsToken" .pod }}
{{- end }}
{{- end }}
{{- if and .root.Values.namespaces (hasKey .values "env") (not (hasKey $env "NAMESPACES")) }}
{{- $_ := set $env "NAMESPACES" (join "," .root.Values.namespaces) }}
{{- end }}
{{- $container := first .pod.containers }}
{{- $image := .root.Values.image }}
{{- $tag := default .root.Chart.AppVersion $image.tag }}
{{- /* The digests are those of the chart's own version. */}}
{{- $digest := ternary "" (get $image.digests $container.image) (ne $image.tag "") }}
{{- $_ := set $container "image" (printf "%s/%s:%s%s" $image.registry $container.image $tag (ternary "" (print "@" $digest) (empty $digest))) }}
{{- include "website-reconciler.env" (dict "container" $container "env" $env) }}
{{- $_ := mergeOverwrite $container (deepCopy (default dict .values.container)) }}
{{- with $image.pullSecrets }}
{{- $_ := set $.pod "imagePullSecrets" . }}
{{- end }}
{{- $_ := mergeOverwrite .pod (deepCopy (default dict .values.pod)) }}
{{- end }}

{{- /* Only the functions may get the token that is for them. */}}
{{- define "website-reconciler.withoutFunctionsToken" }}
{{- $container := first .containers }}
{{- range $field, $owner := dict "volumes" . "volumeMounts" $container }}
{{- $kept := list }}
{{- range index $owner $field }}
{{- if ne .name "functions" }}
{{- $kept = append $kept . }}
{{- end }}
{{- end }}
{{- $_ := set $owner $field $kept }}
{{- end }}
{{- end }}

{{- /* Those that are given replace those that are there, and come after them. */}}
{{- define "website-reconciler.env" }}
{{- $variables := list }}
{{- range .container.env }}
{{- if not (hasKey $.env .name) }}
{{- $variables = append $variables . }}
{{- end }}
{{- end }}
{{- range $name, $value := .env }}
{{- if kindIs "map" $value }}
{{- $variables = append $variables (merge (dict "name" $name) $value) }}
{{- else if not (kindIs "invalid" $value) }}
{{- /* A variable is text. As JSON, a large number of a values file keeps its digits. */}}
{{- $text := ternary $value (toJson $value) (kindIs "string" $value) }}
{{- $variables = append $variables (dict "name" $name "value" $text) }}
{{- end }}
{{- end }}
{{- if $variables }}
{{- $_ := set .container "env" $variables }}
{{- end }}
{{- end }}
