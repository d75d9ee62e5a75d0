import * as v from 'valibot'
import { cellsHeadSchema, commandSchema } from './commands.ts'
import { consoleLineSchema, eventSchema } from './events.ts'
import { matrixEntrySchema } from './identity.ts'
import { matrixSchema } from './matrix.ts'
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
  v.object({
    kind: v.literal('kernel'),
    sourceId: v.string(),
    file: v.optional(v.string()),
    /** Of a MuData, whose own obs and obsm `sourceId` names: its modalities, and which axis they share. */
    modalities: v.optional(v.array(v.object({ name: v.string(), sourceId: v.string() }))),
    axis: v.optional(v.picklist([0, 1, -1])),
  }),
])

export const openOptionsSchema = v.object({
  name: v.nullable(v.string()),
  color: v.nullable(v.string()),
  embedding: v.nullable(v.string()),
  geneSymbols: v.nullable(v.string()),
  /** `null`: as scanpy chooses, raw where there is one, else X. */
  matrix: v.nullable(matrixSchema),
})
export type OpenOptions = v.InferOutput<typeof openOptionsSchema>

/**
 * Kernel → server. `viewer.open`, `viewer.resolveColor`, `tunnel.fetch` and `report` are requests, the others
 * notifications.
 */
export const kernelCallSchema = v.variant('method', [
  /**
   * Answered `{}` at once for an AnnData in the kernel, which has checked it; for a path and a MuData when it was opened
   * and its embedding and colour were found, or with the error. After a restart `state` brings the viewer back, followed
   * by `viewer.cellSet`s and the commands that were not acknowledged.
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
  /** Arrays in the kernel were replaced, or changed in place. `isAnew`: pages read all that they show again. */
  v.object({
    method: v.literal('source.changed'),
    params: v.object({ sourceIds: v.array(v.string()), isAnew: v.boolean() }),
  }),
  /** Its genes are sorted, or are not kept sorted any more: ask for `sorting`. */
  v.object({ method: v.literal('source.sorting'), params: v.object({ sourceId: v.string() }) }),
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
  /** What `field` means for this viewer's dataset, a gene in `matrix` (`null`: the viewer's own), so that a wrong name is refused where it was written → `{color: ColorBy}` */
  v.object({
    method: v.literal('viewer.resolveColor'),
    params: v.object({ viewerId: v.string(), field: v.string(), matrix: v.nullable(matrixSchema) }),
  }),
  /** How much of a long `source.read` is read, 0 to 1. */
  v.object({ method: v.literal('source.progress'), params: v.object({ readId: v.number(), done: v.number() }) }),
  /** Have the hosted viewer's files on disk; answered when they are → hostedStateSchema, or with the error. */
  v.object({ method: v.literal('hosted.ensure'), params: v.object({ source: v.string(), force: v.boolean() }) }),
  /** How they stand, with the progress of fetching → hostedStateSchema */
  v.object({ method: v.literal('hosted.state'), params: v.object({ source: v.string() }) }),
  v.object({ method: v.literal('hosted.cancel'), params: v.object({ source: v.string() }) }),
  /** They may be gone from the disk. */
  v.object({ method: v.literal('hosted.forget'), params: v.object({}) }),
  /**
   * Two groups of cells of a viewer, gene by gene. The body holds the cells of those groups that are none of a field, A
   * before B. → `{genes, cellsA, cellsB, overlap, matrix, notes, codes}`: `overlap` cells are in both, and
   * therefore in neither. The body is COMPARED_COLUMNS of f64, then the JSON list of the genes' names, then `codes`
   * bytes: where it is wanted, the group of each cell.
   */
  v.object({
    method: v.literal('viewer.compare'),
    params: v.object({
      viewerId: v.string(),
      compareId: v.string(),
      a: v.lazy(() => comparedGroupSchema),
      /** `null`: all other cells. */
      b: v.nullable(v.lazy(() => comparedGroupSchema)),
      test: v.picklist(['t-test', 'wilcoxon']),
      /** `null`: raw where there is one, else X. */
      matrix: v.nullable(matrixSchema),
      wantsCodes: v.boolean(),
    }),
  }),
  /** → `{done}`, 0 to 1 */
  v.object({ method: v.literal('compare.progress'), params: v.object({ compareId: v.string() }) }),
  /** Nobody waits for it any more. */
  v.object({ method: v.literal('compare.cancel'), params: v.object({ compareId: v.string() }) }),
  /** Everything `debug_connection()` shows of the server; with a viewer, its part too. */
  v.object({ method: v.literal('report'), params: v.object({ viewerId: v.nullable(v.string()) }) }),
])
export type KernelCall = v.InferOutput<typeof kernelCallSchema>

/** Cells of a body, or those with certain values of a field. */
export const comparedGroupSchema = v.union([
  v.object({ cells: cellsHeadSchema, bytes: v.number() }),
  v.object({ field: v.string(), categories: v.array(v.string()) }),
])
export type ComparedGroup = v.InferOutput<typeof comparedGroupSchema>
export const COMPARED_COLUMNS = [
  'scores',
  'logFoldChanges',
  'p',
  'adjusted',
  'sharesA',
  'sharesB',
  'meansA',
  'meansB',
] as const

/** Server → kernel. `source.read` is a request, the others notifications. */
export const serverCallSchema = v.variant('method', [
  /** First. The server listens. */
  v.object({
    method: v.literal('server.ready'),
    params: v.object({
      port: v.number(),
      instanceId: v.string(),
      protocol: v.number(),
      version: v.string(),
      /** It listens on the socket file that the kernel named, too. */
      hasDoor: v.boolean(),
    }),
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
  /** A page said what misses its schema: `call` names it, `reason` is a sentence. */
  v.object({
    method: v.literal('viewer.refused'),
    params: v.object({ viewerId: v.string(), call: v.string(), reason: v.string() }),
  }),
  /** How far sorting the genes of the viewer's dataset is, 0 to 1; `null` where nothing is being sorted. */
  v.object({
    method: v.literal('viewer.sorting'),
    params: v.object({ viewerId: v.string(), done: v.nullable(v.number()) }),
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
    params: v.object({ sourceId: v.string(), readId: v.number(), read: v.lazy(() => sourceReadSchema) }),
  }),
  /** Nobody waits for that read any more: it ends at its next part, and is not answered. */
  v.object({ method: v.literal('source.cancel'), params: v.object({ readId: v.number() }) }),
])
export type ServerCall = v.InferOutput<typeof serverCallSchema>

/** What the server asks of arrays that live in the kernel. Answers stand beside, each array as the frame's body. */
export const sourceReadSchema = v.variant('what', [
  /** → kernelDescriptionSchema */
  v.object({ what: v.literal('describe') }),
  /** → arrayAnswer, shape (end - start, columns) row-major: rows start..end of the first `columns` columns. */
  v.object({ what: v.literal('obsm'), key: v.string(), columns: v.number(), start: v.number(), end: v.number() }),
  /** → denseAnswer or codesAnswer */
  v.object({ what: v.literal('obs'), key: v.string() }),
  /** One gene by its position in the matrix's var table, `raw.var` for raw → denseAnswer or sparseAnswer */
  v.object({ what: v.literal('var'), index: v.number(), matrix: matrixSchema }),
  /** How a matrix lies, for who reads it in blocks → layoutAnswer */
  v.object({ what: v.literal('layout'), matrix: matrixSchema }),
  /** Whole rows, or columns where it lies by them, from `start` on, about `most` values → blockAnswer */
  v.object({ what: v.literal('block'), matrix: matrixSchema, start: v.number(), most: v.number() }),
  /** → `{}`; the body is a JSON list of texts. `column: null` is the index of the table. */
  v.object({ what: v.literal('varNames'), column: v.nullable(v.string()), table: v.picklist(['var', 'raw']) }),
  /** → `{}`; the body is u32, for each cell of a MuData its row in the modality plus one, or 0 where it lacks the cell. */
  v.object({ what: v.literal('cellMap'), modality: v.string() }),
  /** → `{}`; the body is a JSON list of texts, obs names of the rows start..end */
  v.object({ what: v.literal('obsNames'), start: v.number(), end: v.number() }),
  /** How it stands with copies of matrices, sorted by gene, in the kernel's memory → sortingAnswerSchema */
  v.object({ what: v.literal('sorting') }),
  /** Let go of these copies, and make no more → `{bytes}` that it gave back */
  v.object({ what: v.literal('giveBack') }),
])
export type SourceRead = v.InferOutput<typeof sourceReadSchema>

/** `version` changes when the object behind a key was replaced; n_obs or obs_names that changed are the error `changed`. */
export const kernelDescriptionSchema = v.object({
  nObs: v.number(),
  nVar: v.number(),
  version: v.string(),
  /** `reason`: why it cannot be drawn. */
  obsm: v.array(
    v.object({ key: v.string(), columns: v.number(), reason: v.optional(v.string()), version: v.string() }),
  ),
  /** The obsm key that the dataset itself says to show first (`uns["default_embedding"]`). */
  defaultEmbedding: v.nullable(v.string()),
  obs: v.array(
    v.object({
      key: v.string(),
      kind: v.picklist(['categorical', 'continuous', 'date', 'identifier', 'unsupported']),
      reason: v.optional(v.string()),
      version: v.string(),
    }),
  ),
  varColumns: v.array(v.string()),
  /** Of each of them: genes may be asked for by its names. */
  varColumnVersions: v.array(v.string()),
  /** X, raw, then the layers, as far as they are there. */
  matrices: v.array(matrixEntrySchema),
  /** The colours that matplotlib takes in turn in this kernel, `#rrggbb`; `null` where it was not imported. */
  colorCycle: v.nullable(v.array(v.string())),
  notes: v.array(v.string()),
})
export type KernelDescription = v.InferOutput<typeof kernelDescriptionSchema>

/** `done` from 0 to 1, `null` while nothing is being sorted; `bytes` of all copies; `notes` on what is slower, and why. */
export const sortingAnswerSchema = v.object({
  done: v.nullable(v.number()),
  bytes: v.number(),
  notes: v.array(v.string()),
})

const valuesSchema = v.object({
  /** The narrowest type that loses nothing a user can see; little endian. NaN is missing. */
  dtype: v.picklist(['f4', 'f8', 'i4', 'u4']),
  /** Where these are not quite the dataset's own numbers. */
  note: v.optional(v.string()),
})
/** n values. */
export const denseAnswerSchema = v.object({
  form: v.literal('dense'),
  ...valuesSchema.entries,
  n: v.number(),
  /** `uns` holds colours for this field, which are for categories. */
  hasColors: v.optional(v.boolean()),
  version: v.string(),
})
/** nnz u32 rows, ascending and unique, then nnz values. */
export const sparseAnswerSchema = v.object({
  form: v.literal('sparse'),
  ...valuesSchema.entries,
  n: v.number(),
  nnz: v.number(),
  version: v.string(),
})
/** A colour as a user wrote it: a text, parts from 0 to 1, a text with an opacity; `null` for what is nothing of these. */
export const storedColorSchema = v.nullable(v.union([v.string(), v.array(v.union([v.string(), v.number()]))]))
export type StoredColor = v.InferOutput<typeof storedColorSchema>
/** u8 or u16 codes, the largest code is missing. `colors` as stored in `uns`, not yet checked; `null` where there are none. */
export const codesAnswerSchema = v.object({
  form: v.literal('codes'),
  width: v.picklist([1, 2]),
  n: v.number(),
  categories: v.array(v.string()),
  ordered: v.boolean(),
  colors: v.nullable(v.array(storedColorSchema)),
  version: v.string(),
})
/** `stored`: values at most; `isWide`: they are doubles. `logBase` of `uns["log1p"]`, `null` is the natural logarithm. */
export const layoutAnswerSchema = v.object({
  major: v.picklist(['rows', 'columns']),
  cells: v.number(),
  genes: v.number(),
  stored: v.number(),
  isWide: v.boolean(),
  logBase: v.nullable(v.number()),
  version: v.string(),
})
/**
 * Rows or columns `start`..`end`. The body: `nnz` values of `dtype`; where `form` is sparse, u32 pointers (end - start + 1),
 * from 0 on, and u32 indices follow.
 */
export const blockAnswerSchema = v.object({
  form: v.picklist(['sparse', 'dense']),
  major: v.picklist(['rows', 'columns']),
  dtype: v.picklist(['f4', 'f8']),
  start: v.number(),
  end: v.number(),
  nnz: v.number(),
  version: v.string(),
})
export type BlockAnswer = v.InferOutput<typeof blockAnswerSchema>
export const columnAnswerSchema = v.variant('form', [denseAnswerSchema, sparseAnswerSchema, codesAnswerSchema])
export const arrayAnswerSchema = v.object({
  form: v.literal('array'),
  /** `f8` where float32 would round: places are centred before they are. */
  dtype: v.picklist(['f4', 'f8']),
  rows: v.number(),
  columns: v.number(),
  version: v.string(),
})
