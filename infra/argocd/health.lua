-- How Argo CD reads the health of a Website (docs/status.md). Without it, Argo CD counts every Website as healthy at once.
local function message(condition)
  if condition == nil then return "" end
  if condition.reason == nil then return condition.message or "" end
  return condition.reason .. ": " .. (condition.message or "")
end

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"]

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "The Website is being deleted" }
end
if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the functions to handle the newest spec" }
end
if ready.reason == "Suspended" then
  return { status = "Suspended", message = message(ready) }
end
if ready.status == "True" then
  return { status = "Healthy", message = message(ready) }
end
if conditions["Stalled"] ~= nil and conditions["Stalled"].status == "True" then
  return { status = "Degraded", message = message(conditions["Stalled"]) }
end
return { status = "Progressing", message = message(ready) }
