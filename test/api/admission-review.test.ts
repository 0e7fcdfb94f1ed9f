import { describe, expect, it } from "vitest";
import { type AdmissionResponse, answer, answerText } from "../../src/api/admission-review.ts";

describe("the text of an answer", () => {
  const responses: AdmissionResponse[] = [
    { uid: "1", allowed: true },
    { uid: 'a"b', allowed: true, patchType: "JSONPatch", patch: "W10=", warnings: ['with "}}"'] },
    { uid: "3", allowed: false, status: { code: 422, message: "no\nline" } },
  ];

  it.each(responses)("says the same as the answer itself: %j", (response) => {
    expect(JSON.parse(answerText(response))).toEqual(answer(response));
  });
});
