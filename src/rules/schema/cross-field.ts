import type { Finding } from "../../api/finding.ts";
import { at, isObject, type JsonObject, listOf, objectOf, stringOf } from "../../api/json.ts";
import type { ValidatedKind } from "../kthena/rule.ts";
import { finding } from "./check.ts";

/** What the CRDs ask beyond single fields, by CEL; rules about updates say nothing of a new object. */
export function crossFieldFindings(kind: ValidatedKind, object: JsonObject): Finding[] {
  if (kind === "ModelServing") return repeatedRoles(object);
  if (kind !== "ModelRoute") return [];
  return [...withoutModel(object), ...targets(object)];
}

function violated(path: string, message: string, fix: string): Finding {
  return finding("rule", path, "FieldValueInvalid", message, fix);
}

function repeatedRoles(object: JsonObject): Finding[] {
  const seen = new Set<string>();
  return listOf(at(object, "spec", "template", "roles")).flatMap((role, index) => {
    const name = stringOf(objectOf(role).name);
    if (name === undefined) return [];
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const path = `spec.template.roles[${index}].name`;
    return [violated(path, `there is a role ${name} already`, "give each role a name of its own")];
  });
}

function withoutModel(object: JsonObject): Finding[] {
  const name = at(object, "spec", "modelName");
  if (!isObject(object.spec)) return [];
  if ((typeof name === "string" && name !== "") || listOf(at(object, "spec", "loraAdapters")).length > 0)
    return [];
  return [violated("spec", "there is neither a modelName nor a LoRA adapter", "write modelName")];
}

function targets(object: JsonObject): Finding[] {
  return listOf(at(object, "spec", "rules")).flatMap((rule, index) =>
    listOf(objectOf(rule).targetModels).flatMap((target, position) => {
      const { modelServerName, externalModelProviderName } = objectOf(target);
      if (((modelServerName ?? "") !== "") !== ((externalModelProviderName ?? "") !== "")) return [];
      const path = `spec.rules[${index}].targetModels[${position}]`;
      const message = "not exactly one of modelServerName and externalModelProviderName is set";
      return [violated(path, message, "write exactly one of the two")];
    }),
  );
}
