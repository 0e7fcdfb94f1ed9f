/** What one connection and one request may take. Times in milliseconds. */
export interface Limits {
  /** Bytes of a body; one more is answered with 413. */
  bodyBytes: number;
  /** Bytes of all requests together: bodies that arrive, what is being decided, answers that nobody has read yet. */
  underWayBytes: number;
  /** Connections that are open. */
  connections: number;
  /** How long a client may take to read an answer. */
  answer: number;
  /** How long an idle connection is kept. */
  keepAlive: number;
  /** How long a client may take to send the headers of a request, counted from their first byte. */
  headers: number;
  /** How long a client may take to send a whole request. Never below `headers`. */
  request: number;
  /** How long a TLS handshake may take. */
  handshake: number;
  /** How often the connections are looked over for requests that are late. */
  check: number;
}

/**
 * Limits for the API server as the client.
 *
 * - An UPDATE carries object and oldObject, each up to 3 MB: 7 MiB, as controller-runtime allows.
 * - The API server keeps idle connections for 90 s and would lose a request on one that closes earlier here.
 * - `headers` may be shorter than `keepAlive`: Node counts it from the first byte of each request (of a new
 *   connection, from its start), not from the end of the answer before.
 * - A webhook call lasts at most 30 s, so a request that takes longer to arrive has nobody waiting for it.
 * - What is under way and the connections (70 KiB each) take 140 MiB at most: with the 130 MiB of a replica and what V8
 *   has not cleared yet that fits the chart's memory limit.
 */
export const LIMITS: Limits = {
  bodyBytes: 7 * 1024 * 1024,
  underWayBytes: 64 * 1024 * 1024,
  connections: 1_000,
  answer: 32_000,
  keepAlive: 95_000,
  headers: 32_000,
  request: 32_000,
  handshake: 10_000,
  check: 5_000,
};
