import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  AnnDataReader,
  Description,
  GeneArray,
  ObsArray,
  ObsmEntry,
} from '../../../data/anndata/anndata-reader.ts'
import { DataError, NO_PROGRESS, type Progress, type Rows } from '../../../data/data-source.ts'
import { countKind } from '../../../data/elements/dataframe.ts'
import { quoted } from '../../../data/near-names.ts'
import { narrowest, type Positions } from '../../../data/values/value-type.ts'
import type { Values } from '../../../protocol/column-frame.ts'
import {
  type CategoricalField,
  type ContinuousField,
  EXPORT_FILES,
  type ExportDtype,
  type ExportIdentity,
  type ExportValueSchema,
  exportIdentitySchema,
  fieldPath,
  ITEM_BYTES,
  type ObsManifest,
  obsManifestSchema,
  parseCategorical,
  parseContinuous,
  safeName,
  type VarManifest,
  varManifestSchema,
} from '../../../protocol/export-layout.ts'
import { type Matrix, type VarTable, X } from '../../../protocol/matrix.ts'
import { ExportFiles } from './export-files.ts'

/** The version of the identity in `compact_v1` folders. */
const FIRST_FORM = 2
/** Every file that such a folder can have, and nothing else that may lie in it. */
const LAYOUT_FILE =
  /^(?:(?:dataset_identity|(?:obs|var|connectivity)_manifest)\.json|points_[123]d\.bin(?:\.gz)?|(?:obs|var|connectivity|vectors)\/[A-Za-z0-9._-]+\.(?:bin|f32|u8|u16)(?:\.gz)?)$/

type EmbeddingFile = ObsmEntry & { file: string }
type ObsField =
  | { kind: 'continuous'; field: ContinuousField; schema: ExportValueSchema }
  | { kind: 'categorical'; field: CategoricalField; pattern: string }

/** What the manifests say, put in order. */
type Layout = {
  version: string
  identity: ExportIdentity
  obs: Map<string, ObsField>
  embeddings: EmbeddingFile[]
  genes: ContinuousField[]
  varManifest: VarManifest | null
  notes: string[]
}

/** A folder written by cellucid's `prepare()`, one dataset. */
export class ExportReader implements AnnDataReader {
  readonly #files: ExportFiles
  #layout: Layout | null = null

  /** @param root a real path */
  constructor(root: string) {
    this.#files = new ExportFiles(root)
  }

  /** Files that were replaced have other times; those that were written over in place are not noticed. */
  async version(_signal: AbortSignal): Promise<string> {
    const hash = createHash('sha256').update(this.#files.root)
    for (const name of [...Object.values(EXPORT_FILES), 'obs', 'var', 'embeddings', '.']) {
      const info = await stat(join(this.#files.root, name), { bigint: true }).catch(() => null)
      hash.update(info === null ? `${name} -\n` : `${name} ${info.ino} ${info.size} ${info.mtimeNs}\n`)
    }
    return hash.digest('hex').slice(0, 16)
  }

  async refresh(signal: AbortSignal): Promise<void> {
    await this.version(signal)
  }

  async describe(signal: AbortSignal): Promise<Description> {
    const version = await this.version(signal)
    const layout = await readLayout(this.#files, version)
    this.#layout = layout
    const { identity, obs, embeddings, genes, varManifest, notes } = layout
    const names = (varManifest?.gene_name_sets ?? []).flatMap(({ source }) => (source === null ? [] : [source]))
    return {
      nObs: identity.stats.n_cells,
      nVar: genes.length,
      version,
      obs: [...obs].map(([key, field]) => ({ key, version, ...kindOf(field) })),
      obsm: embeddings.map(({ file, ...entry }) => entry),
      defaultEmbedding: embeddings.find(({ key }) => key === defaultOf(identity))?.key ?? null,
      varColumns: names,
      matrices: [{ matrix: X, genes: genes.length, version }],
      colorCycle: null,
      notes,
    }
  }

  async obsm(key: string, columns: number, rows: Rows, signal: AbortSignal): Promise<Positions> {
    const { embeddings, identity } = await this.#known(signal)
    const found = embeddings.find((each) => each.key === key)
    if (found === undefined) throw new DataError('unknown_embedding', `There is no embedding ${quoted(key)}.`)
    const width = found.columns
    const all = new Float32Array(await this.#files.array(found.file, identity.stats.n_cells * width * 4))
    if (columns === width) return all.subarray(rows.start * width, rows.end * width)
    const positions = new Float32Array((rows.end - rows.start) * columns)
    for (let i = 0; i < positions.length; i++) {
      const row = rows.start + Math.floor(i / columns)
      positions[i] = all[row * width + (i % columns)] ?? Number.NaN
    }
    return positions
  }

  async obs(key: string, signal: AbortSignal): Promise<ObsArray> {
    const { obs, identity } = await this.#known(signal)
    const found = obs.get(key)
    if (found === undefined) throw new DataError('unknown_column', `There is no obs field ${quoted(key)}.`)
    const count = identity.stats.n_cells
    if (found.kind === 'continuous')
      return { form: 'dense', values: await this.#values(found.field, found.schema, count) }
    return this.#codes(found.field, found.pattern, count)
  }

  async gene(index: number, _matrix: Matrix, signal: AbortSignal): Promise<GeneArray> {
    const { genes, varManifest, identity } = await this.#known(signal)
    const field = genes[index]
    if (field === undefined || varManifest === null) {
      throw new DataError('unknown_column', `There is no gene ${index}: the folder has ${genes.length}.`)
    }
    return { form: 'dense', values: await this.#values(field, varManifest._varSchema, identity.stats.n_cells) }
  }

  async varNames(column: string | null, _table: VarTable, signal: AbortSignal): Promise<string[]> {
    const { genes, varManifest } = await this.#known(signal)
    const ids = genes.map(({ key }) => key)
    if (column === null) return ids
    const set = varManifest?.gene_name_sets.find(({ source }) => source === column)
    return ids.map((id, i) => set?.names?.[i] ?? id)
  }

  /** An export keeps no names of cells: their places stand for them. */
  async obsNames(rows: Rows, _signal: AbortSignal): Promise<string[]> {
    return Array.from({ length: rows.end - rows.start }, (_, i) => String(rows.start + i))
  }

  async exportFile(path: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const { identity } = await this.#known(signal)
    return identity.version === FIRST_FORM && LAYOUT_FILE.test(path) ? this.#files.bytes(path) : null
  }

  async progress(): Promise<Progress> {
    return NO_PROGRESS
  }

  /** Nothing is held between reads. */
  async close(): Promise<void> {
    this.#layout = null
  }

  /** As it was described; other manifests are another dataset. */
  async #known(signal: AbortSignal): Promise<Layout> {
    const version = await this.version(signal)
    if (this.#layout?.version === version) return this.#layout
    const found = `The folder ${quoted(this.#files.root)} changed while it was open`
    throw new DataError('changed', `${found}. Reload the page to see what it holds now.`)
  }

  async #values(field: ContinuousField, schema: ExportValueSchema, count: number): Promise<Values> {
    const path = fieldPath(schema.pathPattern, field, EXTENSIONS[schema.dtype])
    const buffer = await this.#files.array(path, count * ITEM_BYTES[schema.dtype])
    if (schema.dtype === 'float32') return new Float32Array(buffer)
    const { min, max } = field
    if (!schema.quantized || min === undefined || max === undefined) {
      throw new DataError('malformed', `${quoted(field.key)} is quantised, but the manifest lacks its range.`)
    }
    return dequantise(integersOf(schema.dtype, buffer), min, max)
  }

  async #codes(field: CategoricalField, pattern: string, count: number): Promise<ObsArray> {
    const { categories, dtype, missing, key } = field
    const path = fieldPath(pattern, field, EXTENSIONS[dtype])
    const stored = integersOf(dtype, await this.#files.array(path, count * ITEM_BYTES[dtype]))
    const codes = categories.length <= 254 ? new Uint8Array(count) : new Uint16Array(count)
    const none = codes instanceof Uint8Array ? 255 : 65_535
    for (let i = 0; i < count; i++) {
      const code = stored[i] ?? missing
      if (code !== missing && code >= categories.length) {
        throw new DataError(
          'malformed',
          `${quoted(key)} says ${code} at row ${i}, but there are ${categories.length} categories.`,
        )
      }
      codes[i] = code === missing ? none : code
    }
    return { form: 'codes', codes, categories, ordered: false, colors: null }
  }
}

function kindOf({ kind, field }: ObsField): Pick<Description['obs'][number], 'kind' | 'reason'> {
  return kind === 'continuous' ? { kind } : countKind(field.categories.length)
}

const EXTENSIONS = { float32: 'f32', uint8: 'u8', uint16: 'u16', uint32: 'u32' } as const satisfies Record<
  ExportDtype,
  string
>

function integersOf(dtype: ExportDtype, buffer: ArrayBuffer): Uint8Array | Uint16Array | Uint32Array {
  if (dtype === 'uint8') return new Uint8Array(buffer)
  return dtype === 'uint16' ? new Uint16Array(buffer) : new Uint32Array(buffer)
}

/** The largest code of the type means missing; the one below it is the largest number. */
function dequantise(codes: Uint8Array | Uint16Array | Uint32Array, min: number, max: number): Values {
  const missing = codes instanceof Uint8Array ? 255 : 65_535
  const step = (max - min) / (missing - 1)
  const values = new Float64Array(codes.length)
  for (let i = 0; i < codes.length; i++) values[i] = codes[i] === missing ? Number.NaN : min + (codes[i] ?? 0) * step
  return narrowest(values, { kind: 'float', bytes: 8 })
}

async function readLayout(files: ExportFiles, version: string): Promise<Layout> {
  const identity = await files.manifest(EXPORT_FILES.identity, exportIdentitySchema)
  if (identity === null) throw new DataError('malformed', `The folder lacks ${quoted(EXPORT_FILES.identity)}.`)
  const obsManifest = await files.manifest(EXPORT_FILES.obs, obsManifestSchema)
  const varManifest = await files.manifest(EXPORT_FILES.var, varManifestSchema)
  const count = identity.stats.n_cells
  for (const manifest of [obsManifest, varManifest]) {
    if (manifest !== null && manifest.n_points !== count) {
      throw new DataError('malformed', `The manifests disagree: ${manifest.n_points} cells and ${count} cells.`)
    }
  }
  const notes = await notesOfUndrawn(files, identity)
  const obs = obsManifest === null ? new Map<string, ObsField>() : obsFields(obsManifest, notes)
  const genes = varManifest === null ? [] : geneFields(varManifest, notes)
  return { version, identity, obs, embeddings: embeddingFiles(identity, version), genes, varManifest, notes }
}

/** What `prepare()` also writes and this viewer does not draw. */
async function notesOfUndrawn(files: ExportFiles, { vector_fields: vectors }: ExportIdentity): Promise<string[]> {
  const fields = Object.keys(vectors?.fields ?? {}).slice(0, 4)
  const hasGraph = await files.has(EXPORT_FILES.connectivity)
  return [
    ...(hasGraph ? ['The graph of neighbours (connectivity) is not drawn.'] : []),
    ...(fields.length > 0 ? [`Vector fields (${fields.join(', ')}) are not drawn.`] : []),
  ]
}

function embeddingFiles({ embeddings }: ExportIdentity, version: string): EmbeddingFile[] {
  const byDimension = Object.entries(embeddings.files ?? {}).flatMap(([dimension, file]) => {
    const columns = Number(/^([1-4])d$/.exec(dimension)?.[1] ?? 0)
    return columns === 0 ? [] : [{ key: `X_umap_${dimension}`, columns, version, file }]
  })
  const byName = Object.entries(embeddings.items ?? {}).flatMap(([key, { label, dimension, file }]) => {
    return dimension >= 1 && dimension <= 4 ? [{ key, label, columns: dimension, version, file }] : []
  })
  return [...byDimension, ...byName]
}

function defaultOf({ embeddings }: ExportIdentity): string {
  const dimension = `${embeddings.default_dimension}d`
  return embeddings.defaults?.[dimension] ?? `X_umap_${dimension}`
}

function obsFields(manifest: ObsManifest, notes: string[]): Map<string, ObsField> {
  const { _format: format, _obsSchemas: schemas } = manifest
  const { continuous: schema, categorical } = schemas
  const fields: ObsField[] = []
  manifest._continuousFields.forEach((list, place) => {
    const field = parseContinuous(format, list, place)
    if (field !== null && schema !== undefined) fields.push({ kind: 'continuous', field, schema })
    else notes.push(`Entry ${place} of the continuous fields cannot be read and is left out.`)
  })
  manifest._categoricalFields.forEach((list, place) => {
    const field = parseCategorical(format, list, place)
    const pattern = categorical?.codesPathPattern
    if (field !== null && pattern !== undefined) fields.push({ kind: 'categorical', field, pattern })
    else notes.push(`Entry ${place} of the categorical fields cannot be read and is left out.`)
  })
  const clashing = format === 'compact_v1' ? clashes(fields.map(({ field }) => field.key)) : new Set<string>()
  noteClashes(clashing, notes)
  return new Map(fields.filter(({ field }) => !clashing.has(field.key)).map((field) => [field.field.key, field]))
}

/** Genes that can be told from each other; their files are named by key or by their own position in the list. */
function geneFields(manifest: VarManifest, notes: string[]): ContinuousField[] {
  const { _format: format } = manifest
  const fields = manifest.fields.map((list, place) => parseContinuous(format, list, place))
  const unread = fields.filter((field) => field === null).length
  if (unread > 0) notes.push(`${unread} genes cannot be read and are left out.`)
  const genes = fields.filter((field) => field !== null)
  const clashing = format === 'compact_v1' ? clashes(genes.map(({ key }) => key)) : new Set<string>()
  noteClashes(clashing, notes)
  return genes.filter(({ key }) => !clashing.has(key))
}

/** Keys whose files have one name: nobody can say whose values are in it. */
function clashes(keys: readonly string[]): Set<string> {
  const byName = Map.groupBy(keys, safeName)
  return new Set([...byName.values()].filter((sharing) => sharing.length > 1).flat())
}

function noteClashes(clashing: ReadonlySet<string>, notes: string[]): void {
  if (clashing.size === 0) return
  const names = [...clashing].slice(0, 4).map(quoted).join(', ')
  notes.push(`${names} share a file in this export, so they are left out. Export them under other names.`)
}
