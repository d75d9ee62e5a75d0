import * as v from 'valibot'
import { consoleLineSchema } from './events.ts'

/**
 * Widget ⇄ kernel: custom messages on the widget's model. Every message goes to all views and all tabs on the kernel,
 * so each carries `view` (16 hex, random per render) where it concerns one; a view ignores what is not its own.
 */

/** What the kernel's environment tells; the browser orders candidates by it, proofs decide. Never a secret. */
export const hintsSchema = v.looseObject({
  hubPrefix: v.optional(v.string()),
  vscodeProxyUri: v.optional(v.string()),
  codespaceName: v.optional(v.string()),
  codespacesDomain: v.optional(v.string()),
  ssh: v.optional(v.boolean()),
  slurm: v.optional(v.boolean()),
  databricks: v.optional(v.boolean()),
  /** For the `ssh -L` line: the kernel machine's name as it calls itself. */
  hostName: v.optional(v.string()),
})
export type Hints = v.InferOutput<typeof hintsSchema>

/** How a message tells its body, which is buffer 0; buffers do not arrive everywhere. */
const bodyEntries = {
  /** Of the body, so that whoever receives knows when it was lost. */
  bytes: v.number(),
  /** The body in base64, with no buffer beside it. */
  text: v.optional(v.string()),
}

export const kernelMessageSchema = v.variant('kind', [
  /** Pushed by a kernel thread, unasked and repeated until the widget is seen. `view` absent: for all views. */
  v.object({
    kind: v.literal('welcome'),
    protocol: v.number(),
    viewerId: v.string(),
    viewerToken: v.string(),
    port: v.number(),
    /** Names the server's socket file to our extension of the notebook server, where there is one. */
    door: v.optional(v.string()),
    instanceId: v.string(),
    /** The base that the user forces, may hold `{port}`. */
    override: v.nullable(v.string()),
    hints: hintsSchema,
    /** CSS pixels. */
    height: v.number(),
    /** false: on the way to this kernel a buffer is lost, or ends the connection, so that bodies travel as text. */
    buffers: v.boolean(),
    /** A cell runs now; `cell` says when it has ended. */
    cellRuns: v.boolean(),
  }),
  /** The answer to one `fetch`. */
  v.object({
    kind: v.literal('response'),
    view: v.string(),
    id: v.number(),
    status: v.number(),
    headers: v.record(v.string(), v.string()),
    ...bodyEntries,
  }),
  /** The body of this `fetch` was lost on the way: say it again, as text. */
  v.object({ kind: v.literal('bodyLost'), view: v.string(), id: v.number() }),
  /** This `resolved` of a view has arrived. */
  v.object({ kind: v.literal('noted'), view: v.string(), id: v.number() }),
  /** A cell has run for a while, so that answers may wait for its end; or none runs. */
  v.object({ kind: v.literal('cell'), runs: v.boolean() }),
  /** This server process has ended; perhaps another one will be said `welcome` to. Nobody is to ask its port any more. */
  v.object({ kind: v.literal('gone'), instanceId: v.string() }),
  /** The viewer ended, or its server did and will not come back: the sentence says which and what to do. */
  v.object({ kind: v.literal('stopped'), reason: v.string() }),
])
export type KernelMessage = v.InferOutput<typeof kernelMessageSchema>
export type Welcome = Extract<KernelMessage, { kind: 'welcome' }>

export const CANDIDATE_KINDS = [
  'override',
  'server-extension',
  'same-origin-proxy',
  'direct',
  'cross-origin-proxy',
  'tunnel',
] as const
export const VERDICTS = [
  'proven',
  'skipped',
  'timeout',
  'network',
  'redirect',
  'status',
  'notJson',
  'wrongProtocol',
  'badProof',
  'frameSilent',
] as const
export type CandidateKind = (typeof CANDIDATE_KINDS)[number]
export type Verdict = (typeof VERDICTS)[number]

export const candidateReportSchema = v.object({
  kind: v.picklist(CANDIDATE_KINDS),
  /** `null` where none could be formed. Never holds a secret. */
  base: v.nullable(v.string()),
  verdict: v.picklist(VERDICTS),
  reason: v.optional(v.string()),
  ms: v.optional(v.number()),
})
export type CandidateReport = v.InferOutput<typeof candidateReportSchema>

export const widgetMessageSchema = v.variant('kind', [
  /** Send `welcome` (again): a render, a page reload. */
  v.object({ kind: v.literal('hello'), view: v.string() }),
  /** What this view tried, and the transport it took: `null` when it shows the card. Sent again until it is noted. */
  v.object({
    kind: v.literal('resolved'),
    view: v.string(),
    id: v.number(),
    transport: v.nullable(v.picklist(CANDIDATE_KINDS)),
    base: v.nullable(v.string()),
    candidates: v.array(candidateReportSchema),
    /** location.origin, for the report. */
    pageOrigin: v.string(),
    /** Several people edit the notebook at once, as far as the front end says. */
    isShared: v.boolean(),
  }),
  /** The notebook is being saved, where the front end says so: what waits to be put into it is due. */
  v.object({ kind: v.literal('saving'), view: v.string() }),
  v.object({ kind: v.literal('console'), view: v.string(), lines: v.array(consoleLineSchema) }),
  /** Tunnel: one request of this view. Asked again with the same `id` when unanswered. */
  v.object({
    kind: v.literal('fetch'),
    view: v.string(),
    id: v.number(),
    method: v.picklist(['GET', 'POST', 'PUT']),
    /** Relative to the base, with its query. */
    path: v.string(),
    headers: v.record(v.string(), v.string()),
    /** The answer's body is to come as text. */
    asText: v.boolean(),
    ...bodyEntries,
  }),
  /** The view is there: said every `aliveEveryMs` while it uses the tunnel; one that is silent for a minute is gone. */
  v.object({ kind: v.literal('alive'), view: v.string() }),
  v.object({ kind: v.literal('bye'), view: v.string() }),
])
export type WidgetMessage = v.InferOutput<typeof widgetMessageSchema>

export const TUNNEL_LIMITS = {
  /**
   * One request or reply. With all that a notebook puts around it, it stays below 1 MiB, past which some proxies end the
   * kernel's socket; browser → kernel messages of 10 MiB and more are lost without an error.
   */
  partBytes: (1 << 20) - (32 << 10),
  /** The same as text, which base64 makes a third longer. */
  textPartBytes: (((1 << 20) - (32 << 10)) / 4) * 3,
  /** Databricks ends messages past 5 MB. */
  smallPartBytes: 512 << 10,
  inFlight: 8,
  /** When an unanswered request is asked again; the last repeats. */
  resendAfterMs: [500, 1_000, 2_000, 5_000],
  aliveEveryMs: 20_000,
} as const
