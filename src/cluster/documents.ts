import {
  type CheckedDocument,
  clusterDocument,
  documentText,
  namespaceDocument,
} from "../admission/defaults-document.ts";
import type { JsonObject } from "../api/json.ts";
import type { Layer } from "../defaults/resolve.ts";
import { bounded } from "../interrupt/bounded.ts";
import type { ConfigMap } from "./config-map.ts";

interface Known {
  text: string | undefined;
  /** What it was checked against. */
  cluster: readonly Layer[] | undefined;
  checked: CheckedDocument;
}

/**
 * Reads defaults documents, each once as long as it is the same. Whatever a text is, reading it neither throws nor lasts:
 * what cannot be read is a problem of the document.
 */
export class Documents {
  readonly #known = new Map<string, Known>();
  #ended = false;

  /** Whether the reading of one was ended since this was last asked: on a busy machine another try may do. */
  takeEnded(): boolean {
    const ended = this.#ended;
    this.#ended = false;
    return ended;
  }

  /** The cluster's document. */
  cluster(configMap: ConfigMap, source: string): CheckedDocument {
    return this.#read(configMap, source, undefined, (object) => clusterDocument(object, source));
  }

  /** A namespace's document, laid over the cluster's. */
  namespace(configMap: ConfigMap, source: string, cluster: readonly Layer[]): CheckedDocument {
    return this.#read(configMap, source, cluster, (object) => namespaceDocument(object, source, cluster));
  }

  /** Drops what is known of a document that is gone. */
  forget(source: string): void {
    this.#known.delete(source);
  }

  #read(
    configMap: ConfigMap,
    source: string,
    cluster: readonly Layer[] | undefined,
    read: (object: JsonObject) => CheckedDocument,
  ): CheckedDocument {
    const object = configMap as JsonObject;
    const text = documentText(object);
    const known = this.#known.get(source);
    // Without a text it is about the keys that are there instead.
    if (text !== undefined && known?.text === text && known.cluster === cluster) return known.checked;
    const done = safely(text?.length ?? 0, () => read(object));
    this.#ended ||= !done.ok && done.again;
    const checked = done.ok ? done.value : unread(source, done.problem);
    if (done.ok || !done.again) this.#known.set(source, { text, cluster, checked });
    return checked;
  }
}

type Done = { ok: true; value: CheckedDocument } | { ok: false; problem: string; again: boolean };

function safely(length: number, read: () => CheckedDocument): Done {
  try {
    const done = bounded(length, read);
    return done.ok ? done : { ...done, again: true };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error), again: false };
  }
}

function unread(source: string, why: string): CheckedDocument {
  const message = `cannot be read: ${why}`;
  return { ok: false, problems: [{ source, path: "", message, fix: "write it in a simpler way" }] };
}
