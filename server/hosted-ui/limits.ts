/** How much of the hosted viewer is kept, and how long its site may take. */
export const HOSTED_LIMITS = {
  files: 2_000,
  fileBytes: 25 << 20,
  generationBytes: 250 << 20,
  generationsPerSource: 2,
  cacheBytes: 1 << 30,

  connectTimeoutMs: 5_000,
  /** From the request to the answer's headers; below the ten seconds after which a user must know. */
  firstByteTimeoutMs: 8_000,
  /** Between two chunks of a body. */
  stallTimeoutMs: 8_000,
  totalTimeoutMs: 120_000,
  parallelFetches: 4,
  retries: 2,
  retryAfterMs: 200,
  /** A failure is not tried again by itself before this. */
  failureRememberedMs: 60_000,
  checkEveryMs: 24 * 60 * 60_000,
} as const
