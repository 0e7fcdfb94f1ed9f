import { isObject, type JsonObject, listOf, objectOf } from "../../api/json.ts";

/** Whether labels match a metav1.LabelSelector; an empty one matches all. An operator that is not known matches. */
export function matchesSelector(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = objectOf(selector);
  const has = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  const equalLabels = Object.entries(objectOf(matchLabels)).every(([key, value]) => has(key) === value);
  return (
    equalLabels &&
    listOf(matchExpressions)
      .filter(isObject)
      .every((one) => matchesExpression(one, has))
  );
}

function matchesExpression(
  { key, operator, values }: JsonObject,
  has: (key: string) => string | undefined,
): boolean {
  const value = has(String(key));
  const listed = value !== undefined && listOf(values).includes(value);
  if (operator === "In") return listed;
  if (operator === "NotIn") return !listed;
  if (operator === "Exists") return value !== undefined;
  return operator !== "DoesNotExist" || value === undefined;
}
