import * as v from 'valibot'
import { sortingSchema } from './channel.ts'
import { cellsHeadSchema, commandSchema } from './commands.ts'
import { consoleLineSchema, eventSchema } from './events.ts'
import { pageStateSchema } from './state.ts'

/**
 * Kernel ⇄ server: a stream of frames (frame.ts) on the child's stdin and stdout. The header is JSON-RPC 2.0:
 * a request has `id` and `method`, a notification no `id`, an answer `result` or `error {code, message}` with our
 * error codes as texts. The body, where one is named below, is the frame's.
 */
export const sourceSpecSchema = v.variant('kind', [
  /** A file, folder or URL that the server opens itself. */
  v.object({ kind: v.literal('path'), path: v.string() }),
  /** Arrays that live in the kernel, read by `source.read`; `file`: the matrix X stayed in this `.h5ad`. */
  v.object({ kind: v.literal('kernel'), sourceId: v.string(), file: v.optional(v.string()) }),
])

export const openOptionsSchema = v.object({
  name: v.nullable(v.string()),
  color: v.nullable(v.string()),
  embedding: v.nullable(v.string()),
  geneIdColumn: v.nullable(v.string()),
  layer: v.nullable(v.string()),
})
export type OpenOptions = v.InferOutput<typeof openOptionsSchema>

/**
 * Kernel → server. `viewer.open`, `viewer.resolveColor`, `tunnel.fetch` and `report` are requests, the others
 * notifications.
 */
export const kernelCallSchema = v.variant('method', [
  /**
   * Answered `{}` at once for a kernel source, whose arrays the kernel has checked; for a path when it was opened and
   * its embedding and colour were found, or with the error. After a restart `state` and `commandSeq` bring the viewer back,
   * followed by `viewer.cellSet`s and the commands that were not acknowledged.
   */
  v.object({
    method: v.literal('viewer.open'),
    params: v.object({
      viewerId: v.string(),
      viewerToken: v.string(),
      source: sourceSpecSchema,
      options: openOptionsSchema,
      /** Whether pages send pictures for the notebook file. */
      savesPictures: v.boolean(),
      state: v.nullable(pageStateSchema),
      commandSeq: v.number(),
      /** Absent: the embedded viewer is shown, else the one of this site. */
      hosted: v.optional(v.object({ source: v.string() })),
    }),
  }),
  v.object({
    method: v.literal('viewer.cellSet'),
    params: v.object({ viewerId: v.string(), name: v.string(), cells: cellsHeadSchema }),
  }),
  v.object({ method: v.literal('viewer.close'), params: v.object({ viewerId: v.string(), reason: v.string() }) }),
  v.object({
    method: v.literal('viewer.command'),
    params: v.object({ viewerId: v.string(), seq: v.number(), command: commandSchema }),
  }),
  /** A secret that opens one page in the viewer token's place, within a quarter of an hour. */
  v.object({
    method: v.literal('viewer.oneTimeToken'),
    params: v.object({ viewerId: v.string(), token: v.string() }),
  }),
  v.object({
    method: v.literal('viewer.console'),
    params: v.object({ viewerId: v.string(), lines: v.array(consoleLineSchema) }),
  }),
  /** → `{status, headers}`; the body is the answer's */
  v.object({
    method: v.literal('tunnel.fetch'),
    params: v.object({
      viewerId: v.string(),
      view: v.string(),
      httpMethod: v.picklist(['GET', 'POST', 'PUT']),
      path: v.string(),
      headers: v.record(v.string(), v.string()),
    }),
  }),
  /** What `field` means for this viewer's dataset, so that a wrong name is refused where it was written → `{color: ColorBy}` */
  v.object({ method: v.literal('viewer.resolveColor'), params: v.object({ viewerId: v.string(), field: v.string() }) }),
  /** Have the hosted viewer's files on disk; answered when they are → hostedStateSchema, or with the error. */
  v.object({ method: v.literal('hosted.ensure'), params: v.object({ source: v.string(), force: v.boolean() }) }),
  /** How they stand, with the progress of fetching → hostedStateSchema */
  v.object({ method: v.literal('hosted.state'), params: v.object({ source: v.string() }) }),
  v.object({ method: v.literal('hosted.cancel'), params: v.object({ source: v.string() }) }),
  /** They may be gone from the disk. */
  v.object({ method: v.literal('hosted.forget'), params: v.object({}) }),
  /** Everything `debug_connection()` shows of the server; with a viewer, its part too. */
  v.object({ method: v.literal('report'), params: v.object({ viewerId: v.nullable(v.string()) }) }),
])
export type KernelCall = v.InferOutput<typeof kernelCallSchema>

/** Server → kernel. `source.read` is a request, the others notifications. */
export const serverCallSchema = v.variant('method', [
  /** First. The server listens. */
  v.object({
    method: v.literal('server.ready'),
    params: v.object({ port: v.number(), instanceId: v.string(), protocol: v.number(), version: v.string() }),
  }),
  /** Instead of `server.ready`; the process ends after it. */
  v.object({ method: v.literal('server.failed'), params: v.object({ code: v.string(), message: v.string() }) }),
  /** A proven probe: the widget is there. */
  v.object({ method: v.literal('viewer.seen'), params: v.object({ viewerId: v.string(), base: v.string() }) }),
  /** What the user did. Of a selection the kernel keeps the cells, as of a `viewer.cellSet`, which does not follow. */
  v.object({
    method: v.literal('viewer.event'),
    params: v.object({ viewerId: v.string(), id: v.string(), event: eventSchema }),
  }),
  v.object({
    method: v.literal('viewer.ack'),
    params: v.object({ viewerId: v.string(), seq: v.number(), ok: v.boolean(), reason: v.optional(v.string()) }),
  }),
  /** The kernel's copy for a restarted server; sets of cells as `viewer.cellSet` with their body. */
  v.object({ method: v.literal('viewer.state'), params: v.object({ viewerId: v.string(), state: pageStateSchema }) }),
  v.object({
    method: v.literal('viewer.cellSet'),
    params: v.object({ viewerId: v.string(), name: v.string(), cells: cellsHeadSchema }),
  }),
  /** How far sorting the genes of the viewer's dataset is. */
  v.object({
    method: v.literal('viewer.sorting'),
    params: v.object({ viewerId: v.string(), ...sortingSchema.entries }),
  }),
  /** How many pages of the viewer hold a channel now. */
  v.object({ method: v.literal('viewer.pages'), params: v.object({ viewerId: v.string(), pages: v.number() }) }),
  /** The body is the PNG: `requestId` of the screenshot command it answers, or `null` for the saved picture. */
  v.object({
    method: v.literal('viewer.snapshot'),
    params: v.object({ viewerId: v.string(), requestId: v.nullable(v.string()) }),
  }),
  v.object({
    method: v.literal('source.read'),
    params: v.object({ sourceId: v.string(), read: v.lazy(() => sourceReadSchema) }),
  }),
])
export type ServerCall = v.InferOutput<typeof serverCallSchema>

/** What the server asks of arrays that live in the kernel. Answers stand beside, each array as the frame's body. */
export const sourceReadSchema = v.variant('what', [
  /** → kernelDescriptionSchema */
  v.object({ what: v.literal('describe') }),
  /** → arrayAnswer `f4`, shape (end - start, columns) row-major: rows start..end of the first `columns` columns. */
  v.object({ what: v.literal('obsm'), key: v.string(), columns: v.number(), start: v.number(), end: v.number() }),
  /** → denseAnswer or codesAnswer */
  v.object({ what: v.literal('obs'), key: v.string() }),
  /** One gene by its position in var (of `raw.var` for layer "raw") → denseAnswer or sparseAnswer */
  v.object({ what: v.literal('var'), index: v.number(), layer: v.nullable(v.string()) }),
  /** → `{}`; the body is a JSON list of texts. `column: null` is the index; `layer` "raw" reads raw.var. */
  v.object({ what: v.literal('varNames'), column: v.nullable(v.string()), layer: v.nullable(v.string()) }),
  /** → `{}`; the body is a JSON list of texts, obs names of the rows start..end */
  v.object({ what: v.literal('obsNames'), start: v.number(), end: v.number() }),
])
export type SourceRead = v.InferOutput<typeof sourceReadSchema>

/** `version` changes when the object behind a key was replaced; n_obs or obs_names that changed are the error `changed`. */
export const kernelDescriptionSchema = v.object({
  nObs: v.number(),
  nVar: v.number(),
  version: v.string(),
  obsm: v.array(v.object({ key: v.string(), columns: v.number(), version: v.string() })),
  obs: v.array(
    v.object({
      key: v.string(),
      kind: v.picklist(['categorical', 'continuous', 'date', 'identifier', 'unsupported']),
      reason: v.optional(v.string()),
      version: v.string(),
    }),
  ),
  varColumns: v.array(v.string()),
  layers: v.array(v.string()),
  hasX: v.boolean(),
  rawVar: v.nullable(v.number()),
  notes: v.array(v.string()),
})
export type KernelDescription = v.InferOutput<typeof kernelDescriptionSchema>

/** Little-endian float32, shape (n,), NaN is missing. */
export const denseAnswerSchema = v.object({ form: v.literal('dense'), n: v.number(), version: v.string() })
/** nnz u32 rows, ascending and unique, then nnz f32 values. */
export const sparseAnswerSchema = v.object({
  form: v.literal('sparse'),
  n: v.number(),
  nnz: v.number(),
  version: v.string(),
})
/** u8 or u16 codes, the largest code is missing. `colors` as stored in `uns`, not yet checked. */
export const codesAnswerSchema = v.object({
  form: v.literal('codes'),
  width: v.picklist([1, 2]),
  n: v.number(),
  categories: v.array(v.string()),
  ordered: v.boolean(),
  colors: v.nullable(v.array(v.string())),
  version: v.string(),
})
export const columnAnswerSchema = v.variant('form', [denseAnswerSchema, sparseAnswerSchema, codesAnswerSchema])
export const arrayAnswerSchema = v.object({
  form: v.literal('array'),
  rows: v.number(),
  columns: v.number(),
  version: v.string(),
})
