import { z } from "zod";
import { DEFAULTS_LIMITS } from "../api/limits.ts";

const { keys, value, word } = DEFAULTS_LIMITS;

const keyOf = z.strictObject({
  name: z
    .string()
    .max(word)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, {
      error: "must be the name of an object in the model's namespace",
    }),
  key: z
    .string()
    .max(word)
    .regex(/^[-._a-zA-Z0-9]+$/, { error: "must be a key of its data" }),
  optional: z.boolean().optional(),
});

/** A value that is kept in a Secret in the namespace of the model. */
export const fromSecret = z.strictObject({ valueFrom: z.strictObject({ secretKeyRef: keyOf }) });

const source = z.strictObject({
  valueFrom: z
    .strictObject({
      secretKeyRef: keyOf.optional(),
      configMapKeyRef: keyOf.optional(),
      fieldRef: z.strictObject({ fieldPath: z.string().min(1).max(word) }).optional(),
    })
    .refine((one) => Object.keys(one).length === 1, {
      error: "must hold one of secretKeyRef, configMapKeyRef and fieldRef",
    }),
});

/** Environment variables of a document: text, or where the value is to be taken from. */
export const envMap = z
  .record(z.string(), z.union([z.string().max(value), source]))
  .refine((map) => Object.keys(map).length <= keys, { error: `must have ${keys} keys at most` });

/** One variable's value, as `envMap` holds it. */
export type EnvValue = z.infer<typeof envMap>[string];

/** A variable as it stands in a container. */
export function envVariable(
  name: string,
  given: EnvValue,
): { name: string; value: string } | ({ name: string } & Exclude<EnvValue, string>) {
  return typeof given === "string" ? { name, value: given } : { name, ...given };
}
