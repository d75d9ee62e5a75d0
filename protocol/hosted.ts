import * as v from 'valibot'

/** What the server knows of the hosted viewer's files on the kernel's machine. Holds no secret. */
export const hostedStateSchema = v.object({
  /** The site that they come from. */
  source: v.string(),
  /** `ready`: a whole build is on disk. `fetching`: on its way. `unavailable`: neither, `lastError` says why. */
  status: v.picklist(['ready', 'fetching', 'unavailable']),
  /** The cache's folder. */
  place: v.string(),
  /** CELLUCID_OFFLINE: the network is never asked. */
  isOffline: v.boolean(),
  /** The site's own name for the build, where it has one. */
  build: v.nullable(v.string()),
  /** Ours: names the very bytes. */
  generation: v.nullable(v.string()),
  files: v.number(),
  bytes: v.number(),
  /** Milliseconds since the epoch: when the build was complete, when the site was last asked for another. */
  storedAt: v.nullable(v.number()),
  checkedAt: v.nullable(v.number()),
  /** `total` grows while files are read that speak of others. */
  progress: v.nullable(v.object({ done: v.number(), total: v.number(), bytes: v.number() })),
  lastError: v.nullable(v.string()),
})
export type HostedState = v.InferOutput<typeof hostedStateSchema>

/** `GET _cellucid/hosted`: how it stands, and where the frame inside the frame goes once it is ready. */
export const hostedAnswerSchema = v.object({
  state: hostedStateSchema,
  /** Relative to the base; its key reads the dataset and takes events, and nothing else. */
  url: v.string(),
  /** What the hosted viewer checks on each command; the same key. */
  viewerToken: v.string(),
  /** Started at a terminal, without a notebook. */
  isServed: v.boolean(),
})
export type HostedAnswer = v.InferOutput<typeof hostedAnswerSchema>

/** `POST _cellucid/hosted`: look again at once, or show the embedded viewer from the next load on. */
export const hostedAskSchema = v.object({ kind: v.picklist(['retry', 'useEmbedded']) })
