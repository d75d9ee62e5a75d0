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

export const kernelMessageSchema = v.variant('kind', [
  /** Pushed by a kernel thread, unasked and repeated until the widget is seen. `view` absent: for all views. */
  v.object({
    kind: v.literal('welcome'),
    protocol: v.number(),
    viewerId: v.string(),
    viewerToken: v.string(),
    port: v.number(),
    instanceId: v.string(),
    /** The base that the user forces, may hold `{port}`. */
    override: v.nullable(v.string()),
    hints: hintsSchema,
    /** CSS pixels. */
    height: v.number(),
    /** false: no subshells, so the tunnel waits while a cell runs. */
    subshells: v.boolean(),
  }),
  /** The answer to one `fetch`; the body is buffer 0. */
  v.object({
    kind: v.literal('response'),
    view: v.string(),
    id: v.number(),
    status: v.number(),
    headers: v.record(v.string(), v.string()),
  }),
  /** This `resolved` of a view has arrived. */
  v.object({ kind: v.literal('noted'), view: v.string(), id: v.number() }),
  /** The viewer ended, or its server did and will not come back: the sentence says which and what to do. */
  v.object({ kind: v.literal('stopped'), reason: v.string() }),
])
export type KernelMessage = v.InferOutput<typeof kernelMessageSchema>
export type Welcome = Extract<KernelMessage, { kind: 'welcome' }>

export const CANDIDATE_KINDS = ['override', 'same-origin-proxy', 'direct', 'cross-origin-proxy', 'tunnel'] as const
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
  v.object({ kind: v.literal('hello'), view: v.string(), protocol: v.number() }),
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
  }),
  v.object({ kind: v.literal('console'), view: v.string(), lines: v.array(consoleLineSchema) }),
  /** Tunnel: one request of this view; the body is buffer 0. Asked again with the same `id` when unanswered. */
  v.object({
    kind: v.literal('fetch'),
    view: v.string(),
    id: v.number(),
    method: v.picklist(['GET', 'POST', 'PUT']),
    /** Relative to the base, with its query. */
    path: v.string(),
    headers: v.record(v.string(), v.string()),
  }),
  /** The view is there: at least every 20 s while it uses the tunnel. */
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
  /** Databricks ends messages past 5 MB. */
  smallPartBytes: 512 << 10,
  inFlight: 8,
  /** When an unanswered request is asked again; the last repeats. */
  resendAfterMs: [500, 1_000, 2_000, 5_000],
  viewSilentMs: 60_000,
} as const
