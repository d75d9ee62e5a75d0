import { DataError, type DataSource } from '../../../data/data-source.ts'
import { whileUnchanged } from '../../../data/read-part.ts'
import { SharedReads } from '../../../data/shared-reads.ts'
import { toDense } from '../../../data/values/column-encoding.ts'
import type { Column, Embedding, Values } from '../../../protocol/column-frame.ts'
import { safeName } from '../../../protocol/export-layout.ts'
import type { Identity } from '../../../protocol/identity.ts'
import { isSameMatrix } from '../../../protocol/matrix.ts'
import { categoryMiddles, KEPT_QUANTILE } from './category-centroids.ts'
import { describeVectors, positionKeys, vectorKeys } from './embedding-layout.ts'

/** Every gene's name stands in one list: what a browser still reads. */
const MAX_GENES = 500_000

export type ExportFile = { type: 'application/json' | 'application/octet-stream'; bytes: Uint8Array }

/** As far as the identity needs it. */
type ObsManifest = {
  _categoricalFields: readonly (readonly [key: string, categories: readonly string[], ...more: unknown[]])[]
  [more: string]: unknown
}

/** A dataset as the folder that cellucid's `prepare()` would write of it, format `compact_v1`, file by file. */
export class AsExport {
  readonly #source: DataSource
  readonly #manifests = new SharedReads<ObsManifest>()
  #known: { version: string; manifest: ObsManifest } | null = null
  #genes: { version: string; byName: Map<string, string> } | null = null

  constructor(source: DataSource) {
    this.#source = source
  }

  /** What `_cellucid/health` says there: of a folder of cellucid's three things, of an AnnData seven. */
  async health(version: string, signal: AbortSignal): Promise<object> {
    const identity = await this.#source.identity(signal)
    const { kind, nObs } = identity
    if (kind === 'export') return { status: 'ok', type: 'exported', version }
    const format = kind === 'kernel' ? 'in-memory' : kind
    const counts = { n_cells: nObs, n_genes: geneCount(identity) }
    return { status: 'ok', type: 'anndata', version, format, is_backed: kind !== 'kernel', ...counts }
  }

  /** What `_cellucid/datasets` lists. */
  async dataset(signal: AbortSignal): Promise<{ id: string; path: string; name: string }> {
    const { name } = await this.#source.identity(signal)
    return { id: safeName(name), path: '/', name: name.trim() || 'dataset' }
  }

  /** One file of the folder. @returns `null` where such a folder has none of that name. @throws DataError */
  file(path: string, signal: AbortSignal): Promise<ExportFile | null> {
    return whileUnchanged(this.#source, signal, () => this.#file(path, signal))
  }

  async #file(path: string, signal: AbortSignal): Promise<ExportFile | null> {
    // A folder that has this form already holds more than the other reads tell: the graph, vector fields, outliers.
    const own = await this.#source.exportFile(path, signal)
    if (own !== null)
      return { type: path.endsWith('.json') ? 'application/json' : 'application/octet-stream', bytes: own }
    switch (path) {
      case 'dataset_identity.json':
        return json(await this.#identity(signal))
      case 'obs_manifest.json':
        return json(await this.#obsManifest(signal))
      case 'var_manifest.json':
        return json(await this.#varManifest(signal))
      default:
        return this.#array(path, signal)
    }
  }

  async #array(path: string, signal: AbortSignal): Promise<ExportFile | null> {
    const points = /^points_([123])d\.bin$/.exec(path)
    if (points !== null) return array((await this.#embedding(Number(points[1]), signal)).positions)
    const vectors = /^vectors\/([^/]+)_([123])d\.bin$/.exec(path)
    if (vectors !== null) return this.#vectors(vectors[1] ?? '', Number(vectors[2]), signal)
    const obs = /^obs\/([^/]+)\.(values\.f32|codes\.u8|codes\.u16|outliers\.f32)$/.exec(path)
    if (obs !== null) return this.#obs(obs[1] ?? '', obs[2] ?? '', signal)
    const gene = /^var\/([^/]+)\.values\.f32$/.exec(path)
    return gene === null ? null : this.#gene(gene[1] ?? '', signal)
  }

  async #identity(signal: AbortSignal): Promise<object> {
    const identity = await this.#source.identity(signal)
    const fields = shownFields(identity)
    const manifest = await this.#obsManifest(signal)
    const counts = new Map(manifest._categoricalFields.map(([key, { length }]) => [key, length]))
    const kinds = fields.map(({ key }) => {
      const count = counts.get(key)
      return count === undefined ? { key, kind: 'continuous' } : { key, kind: 'category', n_categories: count }
    })
    const defaults = await this.#source.defaults(signal)
    const positions = positionKeys(defaults)
    const dimensions = [...positions.keys()]
    const vectors = describeVectors(vectorKeys(defaults.embeddings, positions))
    return {
      version: 2,
      id: safeName(identity.name),
      name: identity.name,
      description: '',
      created_at: new Date(0).toISOString().replace('.000Z', 'Z'),
      cellucid_data_version: 'cellucid-notebook',
      stats: {
        n_cells: identity.nObs,
        n_genes: geneCount(identity),
        n_obs_fields: fields.length,
        n_categorical_fields: counts.size,
        n_continuous_fields: fields.length - counts.size,
        has_connectivity: false,
        n_edges: null,
      },
      embeddings: {
        available_dimensions: [...dimensions].sort(),
        default_dimension: dimensions[0] ?? 2,
        files: Object.fromEntries([...dimensions].sort().map((d) => [`${d}d`, `points_${d}d.bin`])),
      },
      obs_fields: kinds,
      ...(vectors === null ? {} : { vector_fields: vectors }),
      export_settings: {
        compression: null,
        var_quantization: null,
        obs_continuous_quantization: null,
        obs_categorical_dtype: 'auto',
      },
      source: { type: 'cellucid-notebook', format: identity.kind },
    }
  }

  async #obsManifest(signal: AbortSignal): Promise<ObsManifest> {
    const version = await this.#source.version(signal)
    if (this.#known?.version === version) return this.#known.manifest
    const manifest = await this.#manifests.read(version, signal, (shared) => this.#makeObsManifest(shared))
    this.#known = { version, manifest }
    return manifest
  }

  /** Lists the categories, so every categorical column is read for it, one after the other. */
  async #makeObsManifest(signal: AbortSignal): Promise<ObsManifest> {
    const identity = await this.#source.identity(signal)
    const continuous: unknown[][] = []
    const categorical: [key: string, categories: readonly string[], ...more: unknown[]][] = []
    const dimensions = [...positionKeys(await this.#source.defaults(signal)).keys()].sort()
    const positions = new Map(
      await Promise.all(dimensions.map(async (d) => [d, (await this.#embedding(d, signal)).positions] as const)),
    )
    for (const { key } of shownFields(identity)) {
      const column = await this.#source.obs(key, signal)
      if (column.kind !== 'codes') {
        continuous.push([key, column.min ?? 0, column.max ?? 1])
        continue
      }
      const { categories } = column
      const isNarrow = column.codes instanceof Uint8Array
      const centroids = Object.fromEntries([...positions].map(([d, points]) => [d, categoryMiddles(column, points, d)]))
      categorical.push([key, categories, isNarrow ? 'uint8' : 'uint16', isNarrow ? 255 : 65_535, centroids, 0, 1])
    }
    return {
      _format: 'compact_v1',
      n_points: identity.nObs,
      centroid_outlier_quantile: KEPT_QUANTILE,
      latent_key: null,
      compression: null,
      _obsSchemas: OBS_SCHEMAS,
      _continuousFields: continuous,
      _categoricalFields: categorical,
    }
  }

  async #varManifest(signal: AbortSignal): Promise<object> {
    const { nObs, geneSymbols } = await this.#source.identity(signal)
    const byName = await this.#geneNames(signal)
    return {
      _format: 'compact_v1',
      n_points: nObs,
      var_gene_id_column: geneSymbols ?? 'index',
      compression: null,
      quantization: null,
      _varSchema: {
        kind: 'continuous',
        pathPattern: 'var/{key}.values.f32',
        ext: 'f32',
        dtype: 'float32',
        quantized: false,
      },
      fields: [...byName.values()].map((key) => [key]),
    }
  }

  async #obs(name: string, part: string, signal: AbortSignal): Promise<ExportFile | null> {
    const identity = await this.#source.identity(signal)
    const field = shownFields(identity).find(({ key }) => safeName(key) === name)
    if (field === undefined) return null
    const column = await this.#source.obs(field.key, signal)
    if (part === 'values.f32') return column.kind === 'codes' ? null : array(valuesOf(column))
    if (column.kind !== 'codes') return null
    // How far a cell lies from its category is measured in a space that a source need not have: none is far.
    if (part === 'outliers.f32') return array(new Float32Array(identity.nObs))
    const isNarrow = column.codes instanceof Uint8Array
    return part === (isNarrow ? 'codes.u8' : 'codes.u16') ? array(column.codes) : null
  }

  async #gene(name: string, signal: AbortSignal): Promise<ExportFile | null> {
    const { defaultMatrix: matrix } = await this.#source.identity(signal)
    const key = (await this.#geneNames(signal)).get(name)
    return key === undefined ? null : array(valuesOf(await this.#source.gene(key, matrix, signal)))
  }

  /** Keys of genes by the names of their files; those that share one are left out. */
  async #geneNames(signal: AbortSignal): Promise<Map<string, string>> {
    const version = await this.#source.version(signal)
    if (this.#genes?.version === version) return this.#genes.byName
    const { genes } = await this.#source.genes('', MAX_GENES, null, signal)
    const byName = byFileName(genes.map(({ key }) => key))
    this.#genes = { version, byName }
    return byName
  }

  async #embedding(dimensions: number, signal: AbortSignal): Promise<Embedding> {
    const key = positionKeys(await this.#source.defaults(signal)).get(dimensions)
    if (key !== undefined) return this.#source.embedding(key, dimensions, signal)
    throw new DataError('not_found', `The embedding cannot be drawn in ${dimensions} dimensions.`)
  }

  /** Arrows as they are stored, in the scale of the positions that they start from. */
  async #vectors(field: string, dimensions: number, signal: AbortSignal): Promise<ExportFile | null> {
    const defaults = await this.#source.defaults(signal)
    const key = vectorKeys(defaults.embeddings, positionKeys(defaults)).get(field)?.get(dimensions)
    if (key === undefined) return null
    const { scale } = await this.#embedding(dimensions, signal)
    const { positions, center, scale: own } = await this.#source.embedding(key, dimensions, signal)
    return array(positions.map((value, i) => (value * own + (center[i % dimensions] ?? 0)) / scale))
  }
}

const OBS_SCHEMAS = {
  continuous: { pathPattern: 'obs/{key}.values.f32', ext: 'f32', dtype: 'float32', quantized: false },
  categorical: {
    codesPathPattern: 'obs/{key}.codes.{ext}',
    outlierPathPattern: 'obs/{key}.outliers.f32',
    outlierExt: 'f32',
    outlierDtype: 'float32',
    outlierQuantized: false,
  },
}

/** Of the matrix that its genes come from. */
function geneCount({ matrices, defaultMatrix, nVar }: Identity): number {
  return matrices.find(({ matrix }) => isSameMatrix(matrix, defaultMatrix))?.genes ?? nVar
}

/** Fields that can colour cells and whose file's name is theirs alone. */
function shownFields({ obs }: Identity): Identity['obs'] {
  const drawable = obs.filter(({ kind }) => kind !== 'identifier' && kind !== 'unsupported')
  const byName = byFileName(drawable.map(({ key }) => key))
  return drawable.filter(({ key }) => byName.get(safeName(key)) === key)
}

function byFileName(keys: readonly string[]): Map<string, string> {
  const groups = Map.groupBy(keys, safeName)
  return new Map(
    [...groups].flatMap(([name, [key, other]]) => (key === undefined || other !== undefined ? [] : [[name, key]])),
  )
}

/** All values, one a cell; f32, NaN is missing. */
function valuesOf(column: Column): Float32Array {
  if (column.kind === 'dense') return asFloats(column.values)
  if (column.kind === 'codes') throw new DataError('unsupported', 'Categories are no values.')
  return asFloats(toDense(column).values)
}

/** As wide as its layout says. */
function asFloats(values: Values): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values)
}

function json(value: unknown): ExportFile {
  return { type: 'application/json', bytes: Buffer.from(JSON.stringify(value)) }
}

function array({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array | Uint16Array): ExportFile {
  return { type: 'application/octet-stream', bytes: new Uint8Array(buffer, byteOffset, byteLength) }
}
